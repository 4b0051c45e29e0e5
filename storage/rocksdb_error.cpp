#include "storage/rocksdb_error.hpp"

#include "runtime/ec.hpp"

#include <rocksdb/status.h>

namespace sluice {

namespace {

std::string_view advice(const rocksdb::Status& x) {
  if (x.IsNoSpace())
    return "; the disk is full: make room, then start the node again";
  if (x.IsCorruption())
    return "; the data are damaged and were left as they are: restore a backup, or move the folder "
           "away to begin with nothing";
  return "";
}

} // namespace

caf::error to_error(const rocksdb::Status& x, std::string_view doing) {
  if (x.ok())
    return {};
  return make_error(ec::storage_failed, "storage failed " + std::string{doing} + ": " +
                                            x.ToString() + std::string{advice(x)});
}

} // namespace sluice
