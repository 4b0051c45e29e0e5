#include "runtime/ec.hpp"
#include "storage/answer_store.hpp"
#include "storage/answer_walk.hpp"

#include <algorithm>

/// How `answer_store` keeps what namespaces have shown: in the family of the sums, as there are few
/// and an older program passes over them.
namespace sluice {

namespace {

constexpr std::string_view prefix = "evidence/";
constexpr auto reading = "reading the cache's evidence";
constexpr auto writing = "writing the cache's evidence";

std::string key_in_family(std::string_view key) {
  return std::string{prefix}.append(key);
}

} // namespace

caf::error answer_store::put_evidence(const std::vector<answer_evidence>& x) {
  rocksdb::WriteBatch batch;
  for (auto& each : x) {
    auto key = key_bytes(each.scope);
    auto record = each;
    record.shown = std::clamp(each.shown, sys_seconds{}, time_max);
    batch.Put(tables_.totals, key_in_family(key), encode_evidence(key, record));
  }
  return tables_.checked(tables_.db->Write({}, &batch), writing);
}

caf::error answer_store::erase_evidence(const std::vector<fingerprint>& scopes) {
  rocksdb::WriteBatch batch;
  for (auto& x : scopes)
    batch.Delete(tables_.totals, key_in_family(key_bytes(x)));
  return tables_.checked(tables_.db->Write({}, &batch), writing);
}

caf::expected<std::vector<answer_evidence>> answer_store::evidence() {
  std::vector<answer_evidence> result;
  rocksdb::WriteBatch unfit;
  uint64_t damaged = 0;
  uint64_t foreign = 0;
  std::unique_ptr<rocksdb::Iterator> i{tables_.db->NewIterator(scan_options(), tables_.totals)};
  for (i->Seek({prefix.data(), prefix.size()}); i->Valid(); i->Next()) {
    auto key = i->key().ToStringView();
    if (!key.starts_with(prefix))
      break;
    answer_evidence found;
    auto state = decode_evidence(key.substr(prefix.size()), i->value().ToStringView(), found);
    if (state == record_state::whole) {
      result.push_back(std::move(found));
      continue;
    }
    ++(state == record_state::damaged ? damaged : foreign);
    unfit.Delete(tables_.totals, i->key());
  }
  if (auto error = tables_.checked(i->status(), reading))
    return error;
  if (damaged + foreign > 0)
    if (auto error = tables_.checked(tables_.db->Write({}, &unfit), writing))
      return error;
  counts_[static_cast<size_t>(cause::damaged)] += damaged;
  counts_[static_cast<size_t>(cause::foreign)] += foreign;
  return result;
}

caf::error answer_store::purge_evidence(const answer_purge& what) {
  auto all = evidence();
  if (!all)
    return all.error();
  std::vector<fingerprint> gone;
  for (auto& x : *all)
    if (what.what == answer_purge::kind::everything ||
        (what.what == answer_purge::kind::scope ? x.scope == what.scope : x.tenant == what.tenant))
      gone.push_back(x.scope);
  return erase_evidence(gone);
}

} // namespace sluice
