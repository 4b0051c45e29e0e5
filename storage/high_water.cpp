#include "storage/high_water.hpp"

#include "runtime/ec.hpp"
#include "storage/data_folder.hpp"

#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace sluice {

namespace {

constexpr size_t digits = 20; // of the largest number

std::string path_in(const std::string& folder) {
  return folder + "/HIGH_WATER";
}

caf::error failed(std::string_view doing, const std::string& path) {
  return make_error(ec::storage_failed,
                    "cannot " + std::string{doing} + " " + path + ": " + std::strerror(errno));
}

std::string text_of(uint64_t number) {
  auto text = std::to_string(number);
  return std::string(digits - text.size(), '0') + text + "\n";
}

std::optional<uint64_t> number_in(std::string_view text) {
  uint64_t number = 0;
  auto* end = text.data() + digits;
  if (text.size() != digits + 1 || text.back() != '\n')
    return std::nullopt;
  auto [stopped, error] = std::from_chars(text.data(), end, number);
  return error == std::errc{} && stopped == end ? std::optional{number} : std::nullopt;
}

} // namespace

high_water::~high_water() {
  if (file_ >= 0)
    ::close(file_);
}

caf::expected<std::optional<uint64_t>> high_water::read(const std::string& folder) {
  auto path = path_in(folder);
  auto file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0 && errno == ENOENT)
    return std::optional<uint64_t>{};
  if (file < 0)
    return failed("open", path);
  char bytes[2 * digits];
  auto count = ::read(file, bytes, sizeof bytes);
  auto error = count < 0 ? failed("read", path) : caf::error{};
  ::close(file);
  if (error)
    return error;
  if (auto number = number_in({bytes, static_cast<size_t>(count)}))
    return number;
  return make_error(ec::storage_failed,
                    path + " is damaged, so nobody can tell whether the database beside it is "
                           "complete: restore a backup, or remove the file to trust it as it is");
}

caf::expected<high_water> high_water::open(const std::string& folder, uint64_t number) {
  auto path = path_in(folder);
  high_water result;
  result.file_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (result.file_ < 0)
    return failed("open", path);
  if (auto error = result.write(number))
    return error;
  // Once: later numbers take the place of this one, and a file without room for them cannot come
  // about.
  if (::fsync(result.file_) != 0)
    return failed("write", path);
  if (auto error = sync_path(folder))
    return error;
  return result;
}

caf::error high_water::write(uint64_t number) {
  auto text = text_of(number);
  errno = 0;
  if (::pwrite(file_, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
    return make_error(ec::storage_failed,
                      std::string{"cannot write the file HIGH_WATER: "} + std::strerror(errno));
  return {};
}

} // namespace sluice
