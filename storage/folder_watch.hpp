#pragma once

#include <caf/error.hpp>
#include <caf/expected.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace sluice {

/// Tells whether files of a folder were made or removed since it began to watch, by whichever
/// process: of two listings one could miss what came and went between them, and a listing itself
/// takes time. Linux's inotify; sees nothing that another machine does to a shared file system.
class folder_watch {
public:
  using predicate = std::function<bool(std::string_view file)>;

  /// Fails with `storage_failed`: no such folder, or the user watches as many as the kernel lets
  /// him (fs.inotify.max_user_instances).
  static caf::expected<folder_watch> begin(const std::string& folder);

  ~folder_watch();
  folder_watch(folder_watch&& x) noexcept : events_(std::exchange(x.events_, -1)) {}
  folder_watch& operator=(folder_watch&&) = delete;

  /// Whether a file whose name `matters` was made, moved or removed since the last call. True
  /// also where the kernel had no room to keep all that happened.
  bool changed(const predicate& matters);

private:
  explicit folder_watch(int events) : events_(events) {}

  int events_;
};

} // namespace sluice
