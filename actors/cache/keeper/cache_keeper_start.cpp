#include "actors/cache/keeper/cache_keeper.hpp"
#include "actors/cache/semantic/form_bytes.hpp"

/// What `cache_keeper` does after a start, a step at a time.
namespace sluice {

using std::chrono::seconds;

warm_step cache_keeper::warm_some(const keeper_times& at, std::vector<cache_fill>& fills) {
  if (!start_)
    return warm_step::done;
  if (start_->search.as_of == wall_time{})
    start_->search.as_of = at.wall;
  if (unread_entries_.full())
    return warm_step::later;
  if (search_some() || fill_some(at, fills) || index_best(at) || index_rest(at))
    return warm_step::more;
  if (start_->unread > 0)
    return warm_step::later;
  start_.reset(); // with its list of keys
  if (semantic_)
    semantic_->forget_absent();
  return warm_step::done;
}

/// Like those that follow: false where nothing of this is left to do.
bool cache_keeper::search_some() {
  auto& search = start_->search;
  if (!search.from || search.count == 0)
    return false;
  if (failed(archive_.search_hottest(search, search_step))) {
    search.from.reset(); // what was found is not in order, and good enough
    search.best.resize(std::min(search.count, search.best.size()));
  }
  return true;
}

bool cache_keeper::fill_some(const keeper_times& at, std::vector<cache_fill>& fills) {
  auto& best = start_->search.best;
  auto count = std::min(settings_.hottest, best.size());
  if (start_->filled >= count)
    return false;
  auto now = std::chrono::floor<seconds>(at.wall);
  auto last = std::min<size_t>(count, start_->filled + fill_step);
  for (auto& i = start_->filled; i < last; ++i) {
    auto found = fetch(best[i].key, at.wall, false);
    if (!found)
      continue;
    auto left = found->expires - settings_.kept_beyond - now;
    if (left > seconds{0})
      fills.push_back({best[i].key, std::move(found->answer), left,
                       std::max(seconds{0}, now - found->created), tenant_mark(found->tenant)});
  }
  return true;
}

bool cache_keeper::index_best(const keeper_times& at) {
  auto& best = start_->search.best;
  if (!semantic_ || start_->indexed >= best.size() || l2_is_full())
    return false;
  auto left = index_step;
  for (auto& i = start_->indexed; i < best.size(); ++i) {
    auto found = archive_.describe(best[i].key, at.wall);
    if (!found) {
      failed(found.error());
      i = best.size();
      break;
    }
    if (!*found ? left-- == 0 : !index(**found, at, left))
      break;
  }
  return true;
}

/// Where many of the best have no question, L2 has room for others. Those of least worth do not
/// push out better ones, though.
bool cache_keeper::index_rest(const keeper_times& at) {
  auto all_seen = start_->search.best.size() == start_->search.seen && start_->search.seen > 0;
  if (!semantic_ || !start_->rest || all_seen || l2_is_full())
    return false;
  auto page = archive_.scan_meta(*start_->rest, index_step, at.wall);
  if (!page) {
    failed(page.error());
    return false;
  }
  auto left = index_step;
  for (auto& x : page->entries)
    if (!index(x, at, left)) {
      start_->rest = x.key;
      return true;
    }
  start_->rest = page->next;
  return start_->rest.has_value();
}

/// False where it is more than may be done in this step.
bool cache_keeper::index(const answer_meta& x, const keeper_times& at, uint32_t& left) {
  if (left == 0)
    return false;
  --left;
  if (!x.scope || semantic_->contains(x.key) || l2_is_full())
    return true;
  remembered entry{x.key, x.scope, {}, {}, true};
  if (auto form = form_of(x.encoding, *judge_)) {
    entry.form = std::move(*form);
    index_kept(x, entry, false, at);
  } else if (!x.question.empty()) { // without an encoding, or with one of another encoder
    if (!unread_entries_.push({x.tenant, {x.question}}, std::move(entry)))
      return false;
    ++start_->unread;
  }
  return true;
}

} // namespace sluice
