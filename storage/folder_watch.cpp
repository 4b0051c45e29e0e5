#include "storage/folder_watch.hpp"

#include "runtime/ec.hpp"

#include <array>
#include <cstring>
#include <sys/inotify.h>
#include <unistd.h>

namespace sluice {

namespace {

constexpr uint32_t watched = IN_CREATE | IN_DELETE | IN_MOVE | IN_DELETE_SELF | IN_MOVE_SELF;

/// What concerns the folder itself, or that nobody knows.
constexpr uint32_t all_at_once = IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_Q_OVERFLOW;

/// Some hundred events with the names that a database gives its files.
constexpr size_t buffer_size = 16 * 1024;

caf::error failed(const std::string& folder) {
  return make_error(ec::storage_failed,
                    "cannot watch the files of " + folder + ": " + std::strerror(errno));
}

} // namespace

caf::expected<folder_watch> folder_watch::begin(const std::string& folder) {
  folder_watch result{::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};
  if (result.events_ < 0 || ::inotify_add_watch(result.events_, folder.c_str(), watched) < 0)
    return failed(folder);
  return result;
}

folder_watch::~folder_watch() {
  if (events_ >= 0)
    ::close(events_);
}

bool folder_watch::changed(const predicate& matters) {
  alignas(inotify_event) std::array<char, buffer_size> buffer;
  bool result = false;
  for (;;) {
    auto size = ::read(events_, buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR)
      continue;
    if (size <= 0)
      return result || (size < 0 && errno != EAGAIN);
    for (auto* at = buffer.data(); at < buffer.data() + size;) {
      inotify_event event;
      std::memcpy(&event, at, sizeof(event));
      std::string_view name = event.len > 0 ? at + sizeof(event) : "";
      result = result || (event.mask & all_at_once) != 0 || matters(name);
      at += sizeof(event) + event.len;
    }
  }
}

} // namespace sluice
