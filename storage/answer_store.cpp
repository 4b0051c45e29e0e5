#include "storage/answer_store.hpp"

#include "runtime/ec.hpp"
#include "storage/answer_walk.hpp"
#include "storage/answer_worth.hpp"
#include "storage/rocksdb_error.hpp"

#include <algorithm>

namespace sluice {

namespace {

constexpr auto writing = "writing to the cache";
constexpr auto reading = "reading the cache";
constexpr auto totals_key = "totals";

/// What an entry takes besides its two larger records: three keys and the count of its uses.
constexpr uint64_t entry_overhead_bytes = 3 * 16 + 48;

sys_seconds bounded(sys_seconds x) {
  return std::clamp(x, sys_seconds{}, time_max);
}

size_t text_bytes(const answer_record& x) {
  return x.answer.content.size() + x.answer.deployment.size() + x.meta.tenant.size() +
         x.meta.question.size() + x.meta.encoding.size();
}

} // namespace

answer_store::answer_store(const answer_store_settings& settings, answer_tables tables,
                           shared_seconds clock)
    : settings_(settings), clock_(std::move(clock)), tables_(std::move(tables)),
      chance_(settings.seed != 0 ? settings.seed : std::random_device{}()) {}

answer_store::~answer_store() = default;

caf::expected<answer_store::opened> answer_store::open(const answer_store_settings& settings,
                                                       wall_time now) {
  opened result;
  auto clock = std::make_shared<std::atomic<int64_t>>(0);
  caf::error error;
  // Damage that is only found while counting condemns the database, and then there is a new one.
  for (int attempt = 0; attempt < 2; ++attempt) {
    *clock = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
    auto tables = open_tables(settings, clock, result.what);
    if (!tables)
      return tables.error();
    result.store.reset(new answer_store{settings, std::move(*tables), clock});
    error = result.store->load_totals(result.what);
    if (!error)
      return result;
    result.store.reset();
  }
  return error;
}

caf::error answer_store::load_totals(answer_opening& what) {
  std::lock_guard lock{writing_};
  std::string value;
  auto status = tables_.db->Get({}, tables_.totals, totals_key, &value);
  answer_totals found;
  if (status.ok() && decode_totals(value, found) == record_state::whole) {
    entries_ = found.entries;
    bytes_ = found.bytes;
    return {};
  }
  if (auto error = recount())
    return error;
  what.recounted = !status.IsNotFound() || entries_ > 0;
  return {};
}

sys_seconds answer_store::seen(wall_time now) {
  auto seconds = bounded(std::chrono::floor<std::chrono::seconds>(now));
  clock_->store(seconds.time_since_epoch().count(), std::memory_order_relaxed);
  return seconds;
}

answer_store::cause answer_store::judge(record_state state, sys_seconds expires, sys_seconds now) {
  if (state == record_state::damaged)
    return cause::damaged;
  if (state == record_state::foreign)
    return cause::foreign;
  return expires <= now ? cause::expired : cause::asked;
}

caf::expected<std::optional<found_answer>> answer_store::get(const fingerprint& key,
                                                             wall_time now) {
  auto result = read(key, now);
  if (result && *result)
    count_use(key, bounded(std::chrono::floor<std::chrono::seconds>(now)));
  return result;
}

caf::expected<std::optional<found_answer>> answer_store::read(const fingerprint& key,
                                                              wall_time now) {
  auto at = seen(now);
  auto bytes = key_bytes(key);
  rocksdb::PinnableSlice value;
  auto status = tables_.db->Get({}, tables_.content, bytes, &value);
  if (status.IsNotFound())
    return std::optional<found_answer>{};
  if (!status.ok() && !status.IsCorruption())
    return to_error(status, reading);
  found_answer result;
  auto state =
      status.ok() ? decode_content(bytes, value.ToStringView(), result) : record_state::damaged;
  if (judge(state, result.expires, at) == cause::asked)
    return std::optional{std::move(result)};
  // That it could not be removed is for the next write to say; it is not there either way.
  [[maybe_unused]] auto ignored = drop_unfit(bytes, at);
  return std::optional<found_answer>{};
}

caf::expected<std::optional<answer_meta>> answer_store::describe(const fingerprint& key,
                                                                 wall_time now) {
  auto at = seen(now);
  auto bytes = key_bytes(key);
  rocksdb::PinnableSlice value;
  auto status = tables_.db->Get({}, tables_.meta, bytes, &value);
  if (!status.ok() && !status.IsNotFound() && !status.IsCorruption())
    return to_error(status, reading);
  answer_meta result;
  if (!status.ok() || decode_meta(bytes, value.ToStringView(), result) != record_state::whole ||
      result.expires <= at)
    return std::optional<answer_meta>{};
  auto use = use_of(bytes);
  if (!use)
    return use.error();
  result.use = use->last == sys_seconds{} ? answer_use{0, result.created} : *use;
  return std::optional{std::move(result)};
}

/// Looks again: meanwhile somebody may have put a sound one there.
caf::error answer_store::drop_unfit(const std::string& key, sys_seconds now) {
  cause why = cause::damaged;
  {
    std::lock_guard lock{writing_};
    std::string value;
    auto status = tables_.db->Get({}, tables_.content, key, &value);
    if (status.IsNotFound())
      return {};
    found_answer found;
    if (status.ok()) {
      auto state = decode_content(key, value, found);
      why = judge(state, found.expires, now);
    }
    if (why == cause::asked)
      return {};
  }
  return drop({{key, why}});
}

caf::error answer_store::put(const answer_record& x, wall_time now) {
  auto at = seen(now);
  if (x.meta.expires <= at)
    return {};
  if (text_bytes(x) > settings_.entry_bytes_max)
    return make_error(ec::storage_failed, "an answer of " + std::to_string(text_bytes(x)) +
                                              " bytes is too large for the cache");
  auto key = key_bytes(x.meta.key);
  auto record = x;
  record.meta.created = bounded(x.meta.created);
  record.meta.expires = bounded(x.meta.expires);
  record.meta.use.last = bounded(x.meta.use.last);
  auto content = encode_content(key, record);
  record.meta.content_bytes = content.size();
  auto meta = encode_meta(key, record.meta);

  std::lock_guard lock{writing_};
  auto before = share_of(key);
  if (!before)
    return before.error();
  if (before->entries > 0) {
    auto earlier = use_of(key);
    if (!earlier)
      return earlier.error();
    record.meta.use = used(*earlier, record.meta.use.count, record.meta.use.last);
  }
  rocksdb::WriteBatch batch;
  batch.Put(tables_.content, key, content);
  batch.Put(tables_.meta, key, meta);
  batch.Put(tables_.use, key, encode_use(key, record.meta.use, record.meta.expires));
  auto bytes = content.size() + meta.size() + entry_overhead_bytes;
  return commit(
      batch,
      {entries_ + 1 - before->entries, bytes_ + bytes - std::min<uint64_t>(before->bytes, bytes_)},
      false);
}

caf::error answer_store::erase(const fingerprint& key) {
  return drop({{key_bytes(key)}}, true);
}

/// Removes `what` in one step, whatever stands there.
caf::error answer_store::drop(const std::vector<removal>& what, bool synced) {
  if (what.empty())
    return {};
  std::lock_guard lock{writing_};
  rocksdb::WriteBatch batch;
  answer_totals after{entries_, bytes_};
  std::vector<cause> gone;
  for (auto& x : what) {
    auto part = share_of(x.key);
    if (!part)
      return part.error();
    for (auto* family : {tables_.content, tables_.meta, tables_.use})
      batch.Delete(family, x.key);
    after.entries -= std::min(after.entries, part->entries);
    after.bytes -= std::min(after.bytes, part->bytes);
    // Two that saw the same entry expire count it once; damage may be all that is left of one.
    if (part->entries > 0 || x.why == cause::damaged || x.why == cause::foreign)
      gone.push_back(x.why);
  }
  if (auto error = commit(batch, after, synced))
    return error;
  for (auto x : gone)
    ++counts_[static_cast<size_t>(x)];
  return {};
}

/// What the entry under `key` adds to the sums. Where nobody can read what is known about it, its
/// records are measured.
caf::expected<answer_store::share> answer_store::share_of(const std::string& key) const {
  rocksdb::PinnableSlice value;
  auto status = tables_.db->Get({}, tables_.meta, key, &value);
  if (status.IsNotFound())
    return share{};
  if (!status.ok() && !status.IsCorruption())
    return to_error(status, reading);
  share result{1, value.size() + entry_overhead_bytes};
  answer_meta meta;
  if (status.ok() && decode_meta(key, value.ToStringView(), meta) == record_state::whole) {
    result.bytes += meta.content_bytes;
    return result;
  }
  rocksdb::PinnableSlice content;
  if (tables_.db->Get({}, tables_.content, key, &content).ok())
    result.bytes += content.size();
  return result;
}

caf::error answer_store::commit(rocksdb::WriteBatch& batch, const answer_totals& after,
                                bool synced) {
  // In the same step, so that the sums are right however the process ends.
  batch.Put(tables_.totals, totals_key, encode_totals(after));
  rocksdb::WriteOptions options;
  options.sync = synced;
  auto status = tables_.db->Write(options, &batch);
  if (auto error = tables_.checked(status, writing))
    return error;
  entries_ = after.entries;
  bytes_ = after.bytes;
  return {};
}

/// For a database whose sums were lost. Reads all that is known about the entries.
caf::error answer_store::recount() {
  answer_totals sums;
  answer_walk walk{tables_, {}};
  while (walk.next()) {
    ++sums.entries;
    if (walk.state() == record_state::whole) {
      sums.bytes += walk.record_bytes() + walk.meta().content_bytes + entry_overhead_bytes;
      continue;
    }
    auto part = share_of(walk.key());
    if (!part)
      return part.error();
    sums.bytes += part->bytes;
  }
  if (auto error = walk.error())
    return error;
  rocksdb::WriteBatch batch;
  return commit(batch, sums, false);
}

answer_stats answer_store::stats() const {
  auto of = [&](cause x) { return counts_[static_cast<size_t>(x)].load(); };
  return {entries_,           bytes_,    of(cause::expired), of(cause::damaged), of(cause::foreign),
          of(cause::evicted), uses_lost_};
}

} // namespace sluice
