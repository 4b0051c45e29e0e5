#include "runtime/ec.hpp"
#include "storage/answer_store.hpp"
#include "storage/answer_walk.hpp"
#include "storage/answer_worth.hpp"
#include "storage/rocksdb_error.hpp"

#include <rocksdb/convenience.h>

#include <algorithm>

/// The calls of `answer_store` that go over many entries.
namespace sluice {

namespace {

/// Of questions and encodings that a page of `scan_meta` holds.
constexpr size_t page_bytes_max = 4 * 1024 * 1024;

/// Entries looked at before some of them are evicted, and how many of them are: the worst eighth of
/// 64 is nearly always in the worst quarter of all, for one seek in eight evictions.
constexpr size_t sample_size = 64;
constexpr size_t sample_share = 8;

/// Entries that are removed in one write: other writers wait for some milliseconds.
constexpr size_t removals_at_once = 512;

constexpr size_t key_size = 16;

/// Behind every key.
const std::string last_key(key_size + 1, '\xff');

struct ranked {
  double worth = 0;
  std::string key;
};

bool matches(const answer_meta& x, const answer_purge& what) {
  return what.what == answer_purge::kind::scope ? x.scope == what.scope : x.tenant == what.tenant;
}

} // namespace

caf::expected<answer_page> answer_store::scan_meta(const fingerprint& from, uint32_t count_max,
                                                   wall_time now) {
  auto at = seen(now);
  answer_page result;
  std::vector<removal> unfit;
  size_t bytes = 0;
  answer_walk walk{tables_, key_bytes(from)};
  while (walk.next()) {
    auto why = judge(walk.state(), walk.meta().expires, at);
    if (why != cause::asked) {
      unfit.push_back({walk.key(), why});
      if (unfit.size() < removals_at_once)
        continue;
      if (auto error = drop(unfit))
        return error;
      unfit.clear();
      continue;
    }
    if (result.entries.size() >= std::max(count_max, 1u) || bytes > page_bytes_max) {
      result.next = walk.meta().key;
      break;
    }
    bytes += walk.record_bytes();
    result.entries.push_back(std::move(walk.meta()));
  }
  if (auto error = walk.error())
    return error;
  if (auto error = drop(unfit))
    return error;
  return result;
}

caf::error answer_store::search_hottest(hot_search& x, uint32_t count_max) {
  if (!x.from)
    return {};
  auto at = seen(x.as_of);
  // The least of those that are kept is on top.
  auto better = [](const hot_search::found& a, const hot_search::found& b) {
    return a.worth > b.worth;
  };
  std::unique_ptr<rocksdb::Iterator> i{tables_.db->NewIterator(scan_options(), tables_.use)};
  i->Seek(key_bytes(*x.from));
  x.from.reset();
  for (auto left = std::max(count_max, 1u); i->Valid() && x.count > 0; i->Next()) {
    auto key = i->key().ToStringView();
    if (key.size() != key_size) // damaged
      continue;
    if (left-- == 0) {
      x.from = key_of(key);
      return {};
    }
    answer_use use;
    sys_seconds expires;
    auto state = decode_use(key, i->value().ToStringView(), use, expires);
    if (judge(state, expires, at) != cause::asked)
      continue;
    ++x.seen;
    auto value = worth(use, at);
    if (x.best.size() >= x.count && value <= x.best.front().worth)
      continue;
    x.best.push_back({value, key_of(key)});
    std::ranges::push_heap(x.best, better);
    if (x.best.size() > x.count) {
      std::ranges::pop_heap(x.best, better);
      x.best.pop_back();
    }
  }
  if (auto error = tables_.checked(i->status(), "reading the cache"))
    return error;
  std::ranges::sort_heap(x.best, better);
  return {};
}

caf::expected<answer_room> answer_store::make_room(wall_time now, uint32_t count_max) {
  auto at = seen(now);
  if (auto error = flush_uses())
    return error;
  std::lock_guard lock{making_room_};
  auto swept = sweep(at, count_max);
  if (!swept)
    return swept.error();
  auto evicted = evict(at, count_max - static_cast<uint32_t>(*swept));
  if (!evicted)
    return evicted.error();
  return answer_room{*swept + *evicted, bytes_ <= settings_.bytes_max};
}

/// Removes what is unfit among the next entries.
caf::expected<uint64_t> answer_store::sweep(sys_seconds now, uint32_t count_max) {
  std::vector<removal> unfit;
  answer_walk walk{tables_, swept_to_};
  swept_to_.clear(); // to begin again, behind the last one
  auto left = std::max<size_t>(sample_size, count_max);
  while (walk.next()) {
    if (left-- == 0 || unfit.size() >= count_max) {
      swept_to_ = walk.key();
      break;
    }
    if (auto why = judge(walk.state(), walk.meta().expires, now); why != cause::asked)
      unfit.push_back({walk.key(), why});
  }
  if (auto error = walk.error())
    return error;
  if (auto error = drop(unfit))
    return error;
  return unfit.size();
}

/// Keys are fingerprints, so that those behind a random one are a random choice of all.
caf::expected<uint64_t> answer_store::evict(sys_seconds now, uint32_t count_max) {
  uint64_t evicted = 0;
  while (bytes_ > settings_.bytes_max && evicted < count_max) {
    std::vector<ranked> sample;
    std::vector<removal> gone;
    fingerprint from{chance_(), chance_()};
    // What is missing at the end is taken from the beginning.
    for (auto& start : {key_bytes(from), std::string{}}) {
      answer_walk walk{tables_, start};
      while (sample.size() + gone.size() < sample_size && walk.next()) {
        if (start.empty() && walk.key() >= key_bytes(from))
          break;
        auto why = judge(walk.state(), walk.meta().expires, now);
        if (why != cause::asked)
          gone.push_back({walk.key(), why});
        else
          sample.push_back({worth(walk.meta().use, now), walk.key()});
      }
      if (auto error = walk.error())
        return error;
    }
    if (sample.empty() && gone.empty()) { // the sums are wrong
      std::lock_guard lock{writing_};
      if (auto error = recount())
        return error;
      return evicted;
    }
    std::ranges::sort(sample, {}, &ranked::worth);
    auto worst =
        std::min<size_t>((sample.size() + sample_share - 1) / sample_share, count_max - evicted);
    if (gone.empty())
      for (size_t i = 0; i < worst; ++i)
        gone.push_back({sample[i].key, cause::evicted});
    gone.resize(std::min<size_t>(gone.size(), count_max - evicted));
    if (auto error = drop(gone))
      return error;
    evicted += gone.size();
  }
  return evicted;
}

caf::expected<uint64_t> answer_store::purge(const answer_purge& what) {
  // First, as it is synced with what follows.
  if (auto error = purge_evidence(what))
    return error;
  return what.what == answer_purge::kind::everything ? purge_all() : purge_some(what);
}

caf::expected<uint64_t> answer_store::purge_some(const answer_purge& what) {
  uint64_t purged = 0;
  std::vector<removal> found;
  answer_walk walk{tables_, {}};
  for (auto more = true; more;) {
    more = walk.next();
    // What nobody can read may be what was to go.
    auto goes = more && (walk.state() != record_state::whole || matches(walk.meta(), what));
    if (goes)
      found.push_back({walk.key(), judge(walk.state(), sys_seconds::max(), sys_seconds{})});
    if (found.size() < removals_at_once && more)
      continue;
    if (auto error = drop(found))
      return error;
    purged += found.size();
    found.clear();
  }
  if (auto error = walk.error())
    return error;
  // One sync for all: the log is written in order.
  if (auto status = tables_.db->SyncWAL(); !status.ok())
    return to_error(status, "writing to the cache");
  return purged;
}

caf::expected<uint64_t> answer_store::purge_all() {
  std::lock_guard lock{writing_};
  uint64_t purged = entries_;
  rocksdb::WriteBatch batch;
  for (auto* family : {tables_.content, tables_.meta, tables_.use})
    batch.DeleteRange(family, {}, last_key);
  if (auto error = commit(batch, {}, true))
    return error;
  // The range is gone already; whole files of it need not wait for a compaction. Nothing is put
  // meanwhile that could be in one of them.
  for (auto* family : {tables_.content, tables_.meta, tables_.use})
    if (auto error =
            to_error(rocksdb::DeleteFilesInRange(tables_.db.get(), family, nullptr, nullptr),
                     "removing files of the cache"))
      return error;
  return purged;
}

} // namespace sluice
