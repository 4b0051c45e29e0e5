#pragma once

#include <caf/error.hpp>
#include <rocksdb/compression_type.h>

#include <initializer_list>
#include <string>

namespace rocksdb {
class Status;
}

/// What the databases of a node have in common: each has a folder of its own.
namespace sluice {

/// Makes the folder where there is none, for its owner alone: it will hold prompts and answers.
/// Fails with `storage_failed`, naming the folder.
caf::error make_data_folder(const std::string& path);

/// Waits until a file, or what a folder lists, is on the disk. Fails with `storage_failed`, naming
/// it.
caf::error sync_path(const std::string& path);

/// Whether a database could not be opened because somebody has it open.
bool is_taken(const rocksdb::Status& x);

/// The first of `wanted` that this build of RocksDB can write; none where it knows none of them.
rocksdb::CompressionType first_supported(std::initializer_list<rocksdb::CompressionType> wanted);

} // namespace sluice
