#pragma once

#include "storage/answer_tables.hpp"

#include <rocksdb/compaction_filter.h>

namespace sluice {

/// Drops what has expired while RocksDB rewrites its files. Not for the family of `meta`, from
/// which what is removed is counted.
class answer_expiry : public rocksdb::CompactionFilter {
public:
  answer_expiry(answer_kind kind, sys_seconds now) : kind_(kind), now_(now) {}

  const char* Name() const override { return "sluice.answer_expiry"; }
  bool Filter(int, const rocksdb::Slice& key, const rocksdb::Slice& value, std::string*,
              bool*) const override {
    return expiry_of(kind_, key.ToStringView(), value.ToStringView()) <= now_;
  }

private:
  answer_kind kind_;
  sys_seconds now_;
};

/// Makes one for every compaction, as of the last call to the store.
class answer_expiry_factory : public rocksdb::CompactionFilterFactory {
public:
  answer_expiry_factory(answer_kind kind, shared_seconds clock)
      : kind_(kind), clock_(std::move(clock)) {}

  const char* Name() const override { return "sluice.answer_expiry_factory"; }
  std::unique_ptr<rocksdb::CompactionFilter>
  CreateCompactionFilter(const rocksdb::CompactionFilter::Context&) override {
    return std::make_unique<answer_expiry>(kind_, sys_seconds{std::chrono::seconds{*clock_}});
  }

private:
  answer_kind kind_;
  shared_seconds clock_;
};

} // namespace sluice
