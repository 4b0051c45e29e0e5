#pragma once

#include "storage/answer_tables.hpp"

namespace sluice {

/// Goes over the entries in the order of their keys, without reading an answer: what is known about
/// each and, beside it, its uses. As of the moment when it was made.
///
///     answer_walk walk{tables, from};
///     while (walk.next()) ...
///     if (auto error = walk.error()) ...
class answer_walk {
public:
  /// Begins at the first key that is not before `from`; at the first of all where that is empty.
  answer_walk(const answer_tables& tables, std::string_view from);

  /// Goes to the next entry; false behind the last one, or where reading failed.
  bool next();

  /// As on the disk: 16 bytes, where it is not damaged itself.
  const std::string& key() const { return key_; }
  record_state state() const { return state_; }
  /// Where `state` is whole.
  answer_meta& meta() { return meta_; }
  /// Of the record that was read.
  uint64_t record_bytes() const { return record_bytes_; }

  /// `storage_failed`. A walk that meets blocks that are damaged condemns the database.
  caf::error error() const;

private:
  void read_use();

  const answer_tables& tables_;
  std::unique_ptr<rocksdb::Iterator> metas_;
  std::unique_ptr<rocksdb::Iterator> uses_;
  bool begun_ = false;
  std::string key_;
  record_state state_ = record_state::whole;
  answer_meta meta_;
  uint64_t record_bytes_ = 0;
};

/// Of reads that pass over much: they leave the block cache to the lookups.
rocksdb::ReadOptions scan_options();

} // namespace sluice
