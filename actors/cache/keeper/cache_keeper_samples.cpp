#include "actors/cache/keeper/cache_keeper.hpp"
#include "actors/cache/semantic/answer_text.hpp"

/// How `cache_keeper` finds out whether an answer that would have been served says what the
/// provider now says.
namespace sluice {

/// True where that is known to be so at once.
bool cache_keeper::compare(const remembered& asked, const answer_meta& x,
                           const cached_answer& fresh, const keeper_times& at) {
  auto& verdict = asked.verdict;
  auto candidate = verdict.key && verdict.decision != hit_decision::unlikely;
  if (!candidate || verdict.key == x.key)
    return false;
  auto kept = fetch(verdict.key, at.wall, false);
  if (!kept)
    return false;
  check_subject what{x.tenant, asked.scope, verdict, answer_text(kept->answer), answer_text(fresh)};
  if (what.kept.empty() || what.fresh.empty())
    return false; // nothing to compare: it proves nothing
  if (what.kept == what.fresh) {
    verified(what, true, at);
    return true;
  }
  if (under_check_.size() >= settings_.checks_max) {
    checked_[static_cast<size_t>(check_outcome::declined)] += settings_.checks_max > 0 ? 1 : 0;
    compare_vectors(std::move(what));
    return false;
  }
  auto ticket = ticket_next_++;
  checks_.push_back({ticket, x.tenant, x.question, what.kept, what.fresh});
  under_check_.emplace(ticket, std::move(what));
  return false;
}

void cache_keeper::checked(const check_result& x, const keeper_times& at) {
  auto found = under_check_.extract(x.ticket);
  if (!found)
    return;
  ++checked_.at(static_cast<size_t>(x.outcome));
  auto& what = found.mapped();
  switch (x.outcome) {
  case check_outcome::same:
  case check_outcome::different:
    return verified(what, x.outcome == check_outcome::same, at);
  case check_outcome::declined:
    return compare_vectors(std::move(what));
  case check_outcome::unknown:
    return;
  }
}

/// Without a model, or where it was not asked.
void cache_keeper::compare_vectors(check_subject&& what) {
  reading_order texts{what.tenant, {std::move(what.fresh), std::move(what.kept)}};
  samples_.push(std::move(texts), std::move(what));
}

void cache_keeper::verified(const check_subject& what, bool right, const keeper_times& at) {
  semantic_->verified(what.scope, what.verdict, right);
  if (!right)
    save_evidence(at);
}

} // namespace sluice
