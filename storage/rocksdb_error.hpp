#pragma once

#include <caf/error.hpp>

#include <string_view>

namespace rocksdb {
class Status;
}

namespace sluice {

/// The one place where what RocksDB says becomes ours: `storage_failed` with `doing` ("writing to
/// the data folder") and RocksDB's own words, or no error where all is well.
caf::error to_error(const rocksdb::Status& x, std::string_view doing);

} // namespace sluice
