#include "actors/jobs/jobs_actor.hpp"

#include "actors/jobs/jobs_store.hpp"

#include <spdlog/spdlog.h>

namespace sluice {

namespace {

/// How often retries, deadlines and room for more are looked at while there is a batch: a retry
/// waits longer, and nobody waits for a batch by the tenth of a second.
constexpr std::chrono::milliseconds tick_time{100};

/// Entries of one reading at start.
constexpr uint32_t load_page = 1'000;

} // namespace

jobs_desk::jobs_desk(ticking_jobs_actor::pointer self, jobs_setup setup)
    : self_(self), setup_(std::move(setup)),
      charges_(setup_.ledger, [self] { return caf::actor_cast<ledger_client_actor>(self); }) {
  std::random_device entropy;
  random_.seed((uint64_t{entropy()} << 32) ^ entropy());
  call_next_ = (uint64_t{setup_.number} << 48) + 1;
}

// -- start ------------------------------------------------------------------------------------

/// Reads what a start needs to know: the batches that were not over, not those that were.
void jobs_desk::load() {
  loading_ = 5;
  load_total();
  load_all(active_prefix(), {}, [this](store_entry& entry) {
    ++loading_;
    load_batch(entry.value, entry.key.substr(active_prefix().size()));
    return caf::error{};
  });
  load_all(parts_prefix(), {}, [this](store_entry& entry) {
    auto part = part_of(entry.value);
    if (!part)
      return part.error();
    auto id = part->id;
    parts_.emplace(id, std::make_unique<part_run>(job_part{std::move(*part), false}));
    return caf::error{};
  });
  load_all(kept_here_prefix(), {}, [this](store_entry& entry) {
    auto prefix = kept_here_prefix().size();
    if (entry.key.size() > prefix + 4)
      loaded_kept_here_.emplace_back(entry.key.substr(prefix, entry.key.size() - prefix - 4),
                                     number_at_end(entry.key));
    return caf::error{};
  });
  clear_uploads();
}

/// Reads what stands under `prefix`; `each` says what is wrong with an entry.
template <class Each>
void jobs_desk::load_all(std::string prefix, std::string after, Each each) {
  store_scan query;
  query.prefix = prefix;
  query.after = std::move(after);
  query.limit = load_page;
  ask<store_page>(std::move(query), [this, prefix, each](caf::expected<store_page> x) mutable {
    if (!x)
      return break_down(x.error());
    for (auto& entry : x->entries)
      if (auto why = each(entry))
        return break_down(why);
    if (x->more)
      return load_all(prefix, x->entries.back().key, each);
    loaded();
  });
}

void jobs_desk::loaded() {
  if (--loading_ > 0 || broken_)
    return;
  loaded_ = true;
  adopt_parts();
  for (auto& f : std::exchange(waiting_, {}))
    f();
  for (auto& [id, x] : active_)
    if (x->state.batch().status == batch_status::validating)
      begin_check(*x);
  pump();
}

void jobs_desk::when_loaded(std::function<void()> f) {
  if (loaded_ || broken_)
    return f();
  waiting_.push_back(std::move(f));
}

void jobs_desk::load_total() {
  ask<store_value>(store_read{total_key()}, [this](caf::expected<store_value> x) {
    if (!x)
      return break_down(x.error());
    if (x->found) {
      auto number = number_of(x->value);
      if (!number)
        return break_down(number.error());
      total_ = *number;
    }
    loaded();
  });
}

void jobs_desk::load_batch(const std::string& tenant, const std::string& id) {
  ask<store_value>(store_read{batch_key(tenant, id)}, [this](caf::expected<store_value> x) {
    auto batch = !x ? caf::expected<batch_object>{x.error()} : batch_of(x->value);
    if (!batch)
      return break_down(batch.error());
    add(std::move(*batch));
    loaded();
  });
}

/// The parts that an earlier process chose go on; of batches that are over, only what is to be
/// removed at a provider is left.
void jobs_desk::adopt_parts() {
  for (auto& [id, x] : parts_)
    if (auto* of = find_active(x->state.record().batch))
      of->state.restored(x->state.record().lines);
  for (auto& [batch, line] : std::exchange(loaded_kept_here_, {}))
    if (auto* of = find_active(batch))
      of->state.keep_here(line);
  arm();
}

/// What was being uploaded when the node ended has no name that anybody knows.
void jobs_desk::clear_uploads() {
  store_scan query;
  query.prefix = uploads_prefix();
  query.limit = load_page;
  ask<store_page>(query, [this](caf::expected<store_page> x) {
    if (!x)
      return break_down(x.error());
    store_changes changes;
    for (auto& entry : x->entries) {
      changes.push_back(erase_prefix(pieces_prefix(entry.key.substr(uploads_prefix().size()))));
      changes.push_back(erase(entry.key));
    }
    if (changes.empty())
      return loaded();
    write(std::move(changes), [this] { loaded(); });
  });
}

// -- failure and stop -------------------------------------------------------------------------

void jobs_desk::break_down(const caf::error& why) {
  if (broken_)
    return;
  broken_ = why.category() == ec_category
                ? why
                : make_error(ec::storage_failed, "The storage does not answer.");
  if (setup_.log)
    setup_.log->lines()->error("jobs stop until the next start: {}", message_of(broken_));
  for (auto& f : std::exchange(waiting_, {}))
    f();
}

void jobs_desk::stop(const drain& x) {
  draining_ = true;
  drain_until_ = x.until;
  // What only waits for its next attempt has nothing to lose.
  std::erase_if(runs_, [this](auto& entry) {
    auto& each = entry.second;
    if (each.reserving)
      charges_.forget(each.reservation);
    return each.call == 0 && !each.ended;
  });
  // What a provider was asked for a part is found out at the next start.
  for (auto& [id, part] : parts_)
    leave_part_call(*part);
  arm();
  quit_when_done();
}

void jobs_desk::quit_when_done() {
  if (!draining_)
    return;
  auto late = drain_until_.passed(now());
  if (late)
    for (auto& [id, x] : runs_)
      leave_call(x);
  if (late || (runs_.empty() && asked_ == 0 && charges_.idle()))
    self_->quit();
}

// -- time -------------------------------------------------------------------------------------

int64_t jobs_desk::now_seconds() const {
  return std::chrono::duration_cast<std::chrono::seconds>(setup_.wall().time_since_epoch()).count();
}

void jobs_desk::arm() {
  if (ticking_ || (active_.empty() && parts_.empty() && !untold_ && !draining_))
    return;
  ticking_ = true;
  self_->delayed_send(self_, tick_time, job_tick_atom::value);
}

void jobs_desk::tick() {
  ticking_ = false;
  auto time = now();
  auto seconds = now_seconds();
  for (auto& [id, x] : active_)
    if (auto changes = x->state.expire(seconds); !changes.empty() && !broken_)
      write(std::move(changes), [] {});
  std::vector<uint64_t> due;
  std::vector<uint64_t> late;
  for (auto& [id, x] : runs_) {
    // Upstreams and the ledger answer in time; one that is dead does not.
    if ((x.call != 0 || x.reserving) && time > x.until.at + std::chrono::seconds{5})
      late.push_back(id);
    else if (x.call == 0 && !x.reserving && x.to && !x.ended && time >= x.due)
      due.push_back(id);
  }
  for (auto id : late) {
    leave_call(runs_.at(id));
    failure why;
    why.code = ec::upstream_timeout;
    lost(id, why);
  }
  for (auto id : due)
    call(id);
  std::vector<std::string> parts;
  for (auto& [id, x] : parts_)
    parts.push_back(id);
  for (auto& id : parts)
    drive(id);
  pump();
  tell();
  quit_when_done();
  arm();
}

/// Time first, so that the order of the keys is the order of creation; then 64 bits that nobody
/// guesses.
std::string jobs_desk::make_id(std::string_view prefix) {
  static constexpr std::string_view digits = "0123456789abcdef";
  auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(setup_.wall().time_since_epoch());
  id_time_ = std::max<int64_t>(id_time_ + 1, ms.count());
  std::string result{prefix};
  for (int shift = 44; shift >= 0; shift -= 4)
    result.push_back(digits[static_cast<size_t>((id_time_ >> shift) & 15)]);
  auto word = random_();
  for (int i = 0; i < 16; ++i, word >>= 4)
    result.push_back(digits[word & 15]);
  return result;
}

ticking_jobs_actor::behavior_type jobs(ticking_jobs_actor::stateful_pointer<jobs_state> self,
                                       jobs_setup setup) {
  self->state.desk = std::make_unique<jobs_desk>(self, std::move(setup));
  auto* desk = self->state.desk.get();
  desk->load();
  return {
      [desk](upstream_reply& x) { desk->on_reply(x); },
      [desk](upstream_failure& x) { desk->on_failure(x); },
      [desk](stream_block& x) { desk->on_block(x); },
      [desk](stream_end& x) { desk->on_end(x); },
      [desk](const ledger_verdicts& x) { desk->on_verdicts(x); },
      [desk](file_upload& x) { return desk->upload(x); },
      [desk](const file_query& x) { return desk->find(x); },
      [desk](const file_list_query& x) { return desk->list(x); },
      [desk](const file_content_query& x) { return desk->content(x); },
      [desk](const file_removal& x) { return desk->remove(x); },
      [desk](batch_creation& x) { return desk->create(x); },
      [desk](const batch_query& x) { return desk->find(x); },
      [desk](const batch_list_query& x) { return desk->list(x); },
      [desk](const batch_cancellation& x) { return desk->cancel(x); },
      [desk](const drain& x) { desk->stop(x); },
      [desk](job_tick_atom) { desk->tick(); },
  };
}

} // namespace sluice
