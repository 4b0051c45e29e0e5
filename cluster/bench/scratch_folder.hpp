#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace sluice {

/// A folder that is gone with it. `path` is empty where none could be made.
class scratch_folder {
public:
  explicit scratch_folder(
      const std::filesystem::path& parent = std::filesystem::temp_directory_path()) {
    std::error_code ignored;
    std::filesystem::create_directories(parent, ignored);
    auto pattern = (parent / "sluice-bench-XXXXXX").string();
    if (mkdtemp(pattern.data()))
      path_ = pattern;
  }
  ~scratch_folder() {
    std::error_code ignored;
    if (!path_.empty())
      std::filesystem::remove_all(path_, ignored);
  }
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;

  const std::string& path() const { return path_; }

private:
  std::string path_;
};

} // namespace sluice
