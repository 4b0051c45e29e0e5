#include "actors/cache/keeper/cache_keeper.hpp"

/// How `cache_keeper` has texts read.
namespace sluice {

namespace {

size_t bytes_of(const reading_order& x) {
  size_t result = 0;
  for (auto& text : x.texts)
    result += text.size();
  return result;
}

} // namespace

bool cache_keeper::orders_behind::push(reading_order&& what, reading_purpose&& why) {
  if (full())
    return false;
  bytes_ += bytes_of(what);
  orders_.emplace_back(std::move(what), std::move(why));
  return true;
}

std::pair<reading_order, cache_keeper::reading_purpose> cache_keeper::orders_behind::pop() {
  auto result = std::move(orders_.front());
  orders_.pop_front();
  bytes_ -= bytes_of(result.first);
  return result;
}

bool cache_keeper::wants_to_read() const {
  return under_reading_.size() < settings_.readings_max && text_waits();
}

void cache_keeper::order(reading_order&& what, reading_purpose&& why) {
  auto ticket = ticket_next_++;
  readings_.push_back({ticket, std::move(what)});
  under_reading_.emplace(ticket, std::move(why));
}

/// Questions that waited for too long are answered unread: nobody waits for them any more.
void cache_keeper::shed_old(const keeper_times& at, std::vector<keeper_word>& say) {
  while (!waiting_.empty() && at.now - waiting_.front().since > settings_.wait_max) {
    auto& x = waiting_.front().x;
    ++shed_;
    cache_verdict result;
    result.call = x.call;
    say.push_back({x.client, std::move(result)});
    asked_.erase(x.key);
    waiting_.pop_front();
  }
}

cache_keeper::questions cache_keeper::take_questions() {
  questions result;
  for (auto at = waiting_.begin(); at != waiting_.end() && result.size() < read_together;) {
    if (settings_.apart && !result.empty() && at->x.tenant != result.front().x.tenant) {
      ++at;
      continue;
    }
    result.push_back(std::move(*at));
    at = waiting_.erase(at);
  }
  return result;
}

void cache_keeper::read(const keeper_times& at, std::vector<keeper_word>& say) {
  shed_old(at, say);
  while (wants_to_read()) {
    // Where questions never end, samples take turns with them; entries have the next start.
    auto samples_turn = !samples_.empty() && std::exchange(sample_is_next_, false);
    if (waiting_.empty() || samples_turn) {
      auto [what, why] = (samples_.empty() ? unread_entries_ : samples_).pop();
      order(std::move(what), std::move(why));
      continue;
    }
    sample_is_next_ = true;
    auto next = take_questions();
    reading_order what{next.front().x.tenant, {}};
    for (auto& each : next)
      what.texts.push_back(each.x.question);
    order(std::move(what), std::move(next));
  }
}

void cache_keeper::texts_read(uint64_t ticket, std::vector<question_form>* forms,
                              const keeper_times& at, std::vector<keeper_word>& say) {
  auto found = under_reading_.extract(ticket);
  if (!found)
    return;
  wall_ = at.wall;
  auto& why = found.mapped();
  if (auto* asked = std::get_if<questions>(&why))
    on_read(*asked, forms, at, say);
  else if (auto* entry = std::get_if<remembered>(&why))
    on_read(*entry, forms, at);
  else
    on_read(std::get<check_subject>(why), forms, at);
}

void cache_keeper::on_read(questions& asked, std::vector<question_form>* forms,
                           const keeper_times& at, std::vector<keeper_word>& say) {
  for (size_t i = 0; i < asked.size(); ++i) {
    auto& x = asked[i].x;
    auto known = asked_.extract(x.key);
    if (!forms) {
      ++shed_;
      cache_verdict result;
      result.call = x.call;
      say.push_back({x.client, std::move(result)});
      continue;
    }
    ++read_;
    say.push_back({x.client, by_meaning(asked[i], std::move((*forms)[i]), at)});
    if (!known || !known.mapped())
      continue;
    if (auto answered = take_remembered(x.key))
      complete(std::move(*answered), at);
  }
}

void cache_keeper::on_read(remembered& entry, std::vector<question_form>* forms,
                           const keeper_times& at) {
  if (entry.before_start && start_)
    --start_->unread;
  if (!forms || semantic_->contains(entry.key) || (entry.before_start && l2_is_full()))
    return;
  entry.form = std::move(forms->front());
  complete(std::move(entry), at);
}

void cache_keeper::on_read(check_subject& what, std::vector<question_form>* forms,
                           const keeper_times& at) {
  if (forms)
    verified(what, judge_->agree((*forms)[0], (*forms)[1]), at);
}

} // namespace sluice
