#include "storage/answer_store.hpp"
#include "storage/answer_worth.hpp"
#include "storage/rocksdb_error.hpp"

/// How `answer_store` counts what is asked for: in memory with every hit, on the disk in groups.
namespace sluice {

namespace {

/// Writes of uses that other writers wait for: some milliseconds.
constexpr size_t uses_at_once = 256;

} // namespace

void answer_store::count_use(const fingerprint& key, sys_seconds now) {
  std::lock_guard lock{counting_};
  auto found = pending_.find(key);
  if (found != pending_.end()) {
    found->second = used(found->second, 1, now);
    return;
  }
  if (pending_.size() >= settings_.uses_pending_max) {
    ++uses_lost_;
    return;
  }
  pending_.emplace(key, answer_use{1, now});
}

caf::error answer_store::flush_uses() {
  uses taken;
  {
    std::lock_guard lock{counting_};
    taken.swap(pending_);
  }
  for (auto first = taken.cbegin(); first != taken.cend();) {
    auto last = first;
    for (size_t i = 0; i < uses_at_once && last != taken.cend(); ++i)
      ++last;
    std::lock_guard lock{writing_};
    if (auto error = write_uses(first, last))
      return error;
    first = last;
  }
  return {};
}

/// Adds uses to what the database has. An entry that is gone stays so.
caf::error answer_store::write_uses(uses::const_iterator first, uses::const_iterator last) {
  rocksdb::WriteBatch batch;
  for (; first != last; ++first) {
    auto key = key_bytes(first->first);
    rocksdb::PinnableSlice value;
    auto status = tables_.db->Get({}, tables_.meta, key, &value);
    answer_meta meta;
    if (!status.ok() || decode_meta(key, value.ToStringView(), meta) != record_state::whole)
      continue;
    auto earlier = use_of(key);
    if (!earlier)
      return earlier.error();
    auto sum = used(*earlier, first->second.count, first->second.last);
    batch.Put(tables_.use, key, encode_use(key, sum, meta.expires));
  }
  return commit(batch, {entries_, bytes_}, false);
}

/// None where the record cannot be read: it decides nothing but who stays.
caf::expected<answer_use> answer_store::use_of(const std::string& key) const {
  rocksdb::PinnableSlice value;
  auto status = tables_.db->Get({}, tables_.use, key, &value);
  if (!status.ok() && !status.IsNotFound() && !status.IsCorruption())
    return to_error(status, "reading the cache");
  answer_use result;
  sys_seconds expires;
  if (status.ok() && decode_use(key, value.ToStringView(), result, expires) == record_state::whole)
    return result;
  return answer_use{0, sys_seconds{}};
}

} // namespace sluice
