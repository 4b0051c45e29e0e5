#include "storage/data_folder.hpp"

#include "runtime/ec.hpp"

#include <rocksdb/convenience.h>
#include <rocksdb/status.h>

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>

namespace sluice {

caf::error make_data_folder(const std::string& path) {
  std::error_code error;
  auto made = std::filesystem::create_directories(path, error);
  if (!error && made)
    std::filesystem::permissions(path, std::filesystem::perms::owner_all, error);
  if (!error && !std::filesystem::is_directory(path, error) && !error)
    error = std::make_error_code(std::errc::not_a_directory);
  if (error)
    return make_error(ec::storage_failed,
                      "cannot use the data folder " + path + ": " + error.message());
  return {};
}

caf::error sync_path(const std::string& path) {
  auto file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  auto done = file >= 0 && ::fsync(file) == 0;
  auto why = errno;
  if (file >= 0)
    ::close(file);
  if (done)
    return {};
  return make_error(ec::storage_failed, "cannot write " + path + ": " + std::strerror(why));
}

bool is_taken(const rocksdb::Status& x) {
  // RocksDB has no code for it.
  auto words = x.ToString();
  return x.IsIOError() &&
         (words.find("While lock file") != words.npos || words.find("lock hold") != words.npos);
}

rocksdb::CompressionType first_supported(std::initializer_list<rocksdb::CompressionType> wanted) {
  auto known = rocksdb::GetSupportedCompressions();
  for (auto x : wanted)
    if (std::ranges::find(known, x) != known.end())
      return x;
  return rocksdb::kNoCompression;
}

} // namespace sluice
