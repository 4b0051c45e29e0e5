#include "actors/cache/keeper/cache_keeper.hpp"

#include "actors/cache/semantic/form_bytes.hpp"

#include <array>

namespace sluice {

using std::chrono::seconds;

namespace {

/// Entries that `tidy` removes at once: each costs some 10 µs, and it is asked every second.
constexpr uint32_t removed_at_once_max = 1'000;

/// From this probability on an entry stands for another that answers the same, so that one of them
/// can go: wrong once in twenty, it costs a call.
constexpr double redundant_from = 0.95;

cache_verdict miss(uint64_t call) {
  cache_verdict result;
  result.call = call;
  return result;
}

} // namespace

cache_keeper::cache_keeper(keeper_settings settings, answer_archive& archive, text_judge* judge)
    : settings_(std::move(settings)), archive_(archive), judge_(judge), random_(settings_.seed) {
  if (judge_) {
    semantic_.emplace(settings_.semantic, *judge_,
                      [this](const fingerprint& key) { return facts_of(key); });
    load_evidence();
  }
  start_.emplace();
  start_->search.count = std::max(settings_.hottest, judge_ ? settings_.semantic.entries_max : 0);
}

/// What the judge needs of a kept question.
std::optional<std::string> cache_keeper::facts_of(const fingerprint& key) {
  auto found = archive_.describe(key, wall_);
  if (!found) {
    failed(found.error());
    return std::nullopt;
  }
  if (!*found)
    return std::nullopt;
  auto form = form_of((*found)->encoding, *judge_);
  return form ? std::optional{std::move(form->facts)} : std::nullopt;
}

bool cache_keeper::failed(const caf::error& x) {
  failures_ += x ? 1 : 0;
  return static_cast<bool>(x);
}

std::optional<found_answer> cache_keeper::fetch(const fingerprint& key, wall_time now, bool use) {
  auto found = use ? archive_.get(key, now) : archive_.read(key, now);
  if (!found) {
    failed(found.error());
    return std::nullopt;
  }
  return std::move(*found);
}

// -- lookups ----------------------------------------------------------------------------------

std::optional<cache_verdict> cache_keeper::exact(const kept_lookup& x, const keeper_times& at) {
  auto found = fetch(x.key, at.wall, true);
  if (!found)
    return std::nullopt;
  auto now = std::chrono::floor<seconds>(at.wall);
  cache_verdict result;
  result.call = x.call;
  result.age = std::max(seconds{0}, now - found->created);
  // Kept for so long beyond its time, in case that nobody can give a fresh one.
  result.expires = found->expires - settings_.kept_beyond - now;
  auto too_old = x.age_max >= seconds{0} && result.age > x.age_max;
  auto stale = result.expires <= seconds{0};
  // What may be given while it is fetched anew may be given where that fails.
  auto stale_max = x.stale ? std::max(settings_.stale_if_error, x.stale_max) : x.stale_max;
  auto too_stale = stale && result.expires + stale_max <= seconds{0};
  if (too_stale || (too_old && !(x.stale && stale)))
    return std::nullopt;
  result.result = x.stale && stale ? cache_result::stale : cache_result::stored;
  result.answer = std::move(found->answer);
  return result;
}

void cache_keeper::look_up(kept_lookup&& x, const keeper_times& at, std::vector<keeper_word>& say) {
  if (auto found = exact(x, at)) {
    say.push_back({x.client, std::move(*found)});
    return;
  }
  auto readable = judge_ && x.scope && !x.question.empty() && !x.stale;
  if (!readable || waiting_.size() >= settings_.waiting_max) {
    shed_ += readable ? 1 : 0;
    say.push_back({x.client, miss(x.call)});
    return;
  }
  auto told = !x.patient && semantic_->hit_share(x.scope) < settings_.beside_below;
  if (told) {
    auto first = miss(x.call);
    first.more = true;
    say.push_back({x.client, std::move(first)});
  }
  asked_.try_emplace(x.key, false);
  waiting_.push_back({std::move(x), at.now, told});
}

cache_verdict cache_keeper::by_meaning(const waiting& asked, question_form&& form,
                                       const keeper_times& at) {
  auto& [x, since, told] = asked;
  auto verdict = semantic_->find(x.scope, form, at.now, x.error_rate_max);
  if (verdict.decision == hit_decision::serve && samples_.full())
    verdict.decision = hit_decision::sampled; // errors would not be noticed now
  if (verdict.decision == hit_decision::serve) {
    auto now = std::chrono::floor<seconds>(at.wall);
    auto found = fetch(verdict.key, at.wall, true);
    auto age = found ? std::max(seconds{0}, now - found->created) : seconds{0};
    auto expires = found ? found->expires - settings_.kept_beyond - now : seconds{0};
    if (!found)
      semantic_->erase(verdict.key);
    if (found && expires > seconds{0} && (x.age_max < seconds{0} || age <= x.age_max)) {
      semantic_->served(x.scope, verdict);
      cache_verdict result;
      result.call = x.call;
      result.result = cache_result::similar;
      result.answer = std::move(found->answer);
      result.age = age;
      result.expires = expires;
      result.key = verdict.key;
      result.similarity = static_cast<double>(verdict.similarity);
      result.probability = verdict.probability;
      // The provider is being asked: where it is faster, its answer is a sample for nothing.
      if (told)
        remember({x.key, x.scope, std::move(form), verdict});
      return result;
    }
    verdict = {};
  }
  remember({x.key, x.scope, std::move(form), verdict});
  return miss(x.call);
}

// -- fills ------------------------------------------------------------------------------------

void cache_keeper::remember(remembered&& x) {
  take_remembered(x.key);
  if (remembered_.size() >= remembered_max) {
    remembered_at_.erase(remembered_.back().key);
    remembered_.pop_back();
  }
  remembered_.push_front(std::move(x));
  remembered_at_[remembered_.front().key] = remembered_.begin();
}

std::optional<cache_keeper::remembered> cache_keeper::take_remembered(const fingerprint& key) {
  auto at = remembered_at_.find(key);
  if (at == remembered_at_.end())
    return std::nullopt;
  auto result = std::move(*at->second);
  remembered_.erase(at->second);
  remembered_at_.erase(at);
  return result;
}

/// A TTL with some jitter, so that what was filled together does not expire together.
seconds cache_keeper::lifetime(seconds ttl) {
  auto whole = ttl.count() > 0 ? ttl : settings_.ttl;
  auto span = whole.count() * settings_.ttl_jitter_percent / 100;
  if (span <= 0)
    return whole;
  return whole - seconds{std::uniform_int_distribution<int64_t>{0, span}(random_)};
}

void cache_keeper::keep(answer_fill&& x, const keeper_times& at) {
  auto readable = judge_ && x.scope && !x.question.empty();
  auto known = readable ? take_remembered(x.key) : std::nullopt;
  auto now = std::chrono::floor<seconds>(at.wall);
  answer_record record;
  record.meta.key = x.key;
  record.meta.scope = x.scope;
  record.meta.tenant = std::move(x.tenant);
  record.meta.question = std::move(x.question);
  record.meta.created = now;
  record.meta.expires = now + lifetime(x.ttl) + settings_.kept_beyond;
  record.meta.use.last = now;
  record.answer = std::move(x.answer);
  auto same = known && compare(*known, record.meta, record.answer, at);
  if (known)
    record.meta.encoding = form_bytes(known->form, judge_->form_version());
  if (failed(archive_.put(record, at.wall)) || !readable)
    return;
  if (known)
    return index_kept(record.meta, *known, same, at);
  if (auto asked = asked_.find(x.key); asked != asked_.end())
    asked->second = true; // it is `complete`d when its question has been read
  else
    unread_entries_.push({record.meta.tenant, {record.meta.question}},
                         remembered{x.key, x.scope, {}, {}, false});
}

/// From now on the entry can answer by meaning. `same`: it says what the entry of the verdict says.
void cache_keeper::index_kept(const answer_meta& x, const remembered& known, bool same,
                              const keeper_times& at) {
  tenants_[x.scope] = x.tenant;
  if (known.before_start)
    return semantic_->insert_kept(x.scope, x.key, known.form.vector, at.now);
  auto stands_for = same || known.verdict.probability >= redundant_from;
  semantic_->insert(x.scope, x.key, known.form.vector,
                    stands_for ? known.verdict.key : fingerprint{}, at.now);
}

/// An entry that was kept before its question was read: it gets its encoding.
void cache_keeper::complete(remembered&& known, const keeper_times& at) {
  auto meta = archive_.describe(known.key, at.wall);
  auto found = fetch(known.key, at.wall, false);
  if (!meta || !*meta || !found)
    return;
  answer_record record{std::move(**meta), std::move(found->answer)};
  if (record.meta.scope != known.scope)
    return;
  auto same = compare(known, record.meta, record.answer, at);
  record.meta.encoding = form_bytes(known.form, judge_->form_version());
  record.meta.use.count = 0; // what is put adds its uses to those that are there
  if (!failed(archive_.put(record, at.wall)))
    index_kept(record.meta, known, same, at);
}

caf::expected<uint64_t> cache_keeper::purge(const cache_purge& x) {
  answer_purge what;
  if (!x.tenant.empty()) {
    what.what = answer_purge::kind::tenant;
    what.tenant = x.tenant;
  }
  auto result = archive_.purge(what);
  if (!result)
    failed(result.error());
  if (semantic_)
    forget_namespaces(x.tenant);
  return result;
}

// -- in the background ------------------------------------------------------------------------

void cache_keeper::tidy(const keeper_times& at) {
  auto room = archive_.make_room(at.wall, removed_at_once_max);
  if (!room)
    failed(room.error());
  failed(archive_.flush_uses());
  if (at.now - saved_at_ >= evidence_interval)
    save_evidence(at);
}

keeper_report cache_keeper::report() const {
  keeper_report result;
  auto stats = archive_.stats();
  result.entries = stats.entries;
  result.bytes = stats.bytes;
  result.evicted = stats.evicted;
  result.expired = stats.expired;
  result.damaged = stats.damaged + stats.foreign;
  result.waiting = waiting_.size();
  result.shed = shed_;
  result.read = read_;
  result.failures = failures_;
  result.checks_same = checked_[static_cast<size_t>(check_outcome::same)];
  result.checks_different = checked_[static_cast<size_t>(check_outcome::different)];
  result.checks_unknown = checked_[static_cast<size_t>(check_outcome::unknown)];
  result.checks_declined = checked_[static_cast<size_t>(check_outcome::declined)];
  if (!semantic_)
    return result;
  result.vectors = semantic_->entries();
  result.vector_bytes = semantic_->bytes();
  result.vectors_evicted = semantic_->evicted();
  semantic_->for_each([&](const fingerprint& scope, const error_bound& bound, size_t entries) {
    if (result.namespaces.size() < reported_max)
      result.namespaces.push_back(quality_of(scope, bound, entries));
  });
  return result;
}

namespace_report quality_of(const fingerprint& scope, const error_bound& bound, size_t entries) {
  namespace_report result;
  result.scope = scope;
  result.entries = entries;
  result.verified_share = bound.verified_share();
  result.probability_min = 2;
  double samples = 0;
  double errors = 0;
  for (auto& x : bound.regions()) {
    result.served += x.served;
    result.verified += x.verified;
    result.wrong += x.wrong;
    if (!x.open)
      continue;
    result.probability_min = std::min(result.probability_min, x.probability_min);
    samples += x.samples;
    errors += x.errors;
  }
  if (samples > 0) {
    result.error_rate = errors / samples;
    auto [from, to] = error_rate_interval(errors, samples);
    result.error_rate_from = from;
    result.error_rate_to = to;
  }
  return result;
}

} // namespace sluice
