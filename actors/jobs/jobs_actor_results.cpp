#include "actors/jobs/job_output.hpp"
#include "actors/jobs/jobs_actor.hpp"
#include "actors/jobs/jobs_store.hpp"

#include <algorithm>
#include <iterator>

namespace sluice {

/// Reads the file that the part is about. First it has to be known which lines are still without a
/// result: an earlier process may have read the file before.
void jobs_desk::read_results(part_run& x) {
  if (!x.names)
    return load_names(x);
  // A line is as long as a reply may be that comes alone.
  if (!x.reader)
    x.reader.emplace(setup_.settings->limits.reply_bytes_max);
  x.reader->restart();
  x.read_over = false;
  x.owed = 0;
  ask_provider(x, part_action::read, {});
}

void jobs_desk::load_names(part_run& x) {
  x.busy = true;
  x.names.emplace();
  walk_lines(
      x.state.record().id, before_lines(x.state.record()),
      [](part_run& to, job_line&& line) {
        to.names->emplace(line.number, part_line{std::move(line.custom_id), std::move(line.model)});
      },
      [this](part_run& to) {
        auto& part = to.state.record();
        std::vector<uint32_t> done;
        for (auto number : part.lines)
          if (to.names->count(number) == 0)
            done.push_back(number);
        if (auto* of = find_active(part.batch))
          of->state.known_done(done);
        to.busy = false;
        drive(part.id);
      });
}

void jobs_desk::on_block(stream_block& block) {
  auto* x = part_of_call(block.call);
  if (!x)
    return;
  x->owed += block.events.size();
  x->reader->feed(block.events, x->results);
  take_results(*x);
}

void jobs_desk::on_end(stream_end& end) {
  auto* x = part_of_call(end.call);
  if (!x)
    return;
  if (end.why.code != ec::none)
    return part_failed(*x, end.why); // what is written down stays; the file is read again
  part_calls_.erase(x->call);
  x->call = 0;
  x->pause = {};
  x->trouble_since = {};
  x->failures = 0;
  x->reader->finish(x->results);
  x->read_over = true;
  take_results(*x);
}

request_record jobs_desk::record_of(const active& of, const part_run& x, const part_line& line,
                                    const part_result& result) const {
  auto* to = setup_.targets.models->find_deployment(x.state.record().deployment);
  auto answered = result.what == part_result::kind::answered;
  auto record = record_of(of.state.batch(), result.number);
  record.model = line.model;
  record.deployment = to->id;
  record.provider = to->provider;
  record.provider_kind = to->provider_kind;
  record.upstream_model = to->upstream_model;
  record.status = result.status;
  record.error = answered ? ec::none : ec::upstream_rejected;
  record.handed_over = true;
  record.usage = result.usage;
  record.usage_known = result.usage_known;
  record.response_bytes = result.body.size();
  if (result.usage_known && to->price)
    record.cost =
        cost(result.usage, discounted(to->price->price, x.state.record().discount_percent))
            .value_or(nanousd{});
  return record;
}

/// Writes down what has been read; only then the provider's file is read on.
void jobs_desk::take_results(part_run& x) {
  auto id = x.state.record().id;
  auto* of = find_active(x.state.record().batch);
  if (x.writing || broken_ || draining_)
    return;
  store_changes changes;
  std::vector<uint32_t> written;
  loop_report out;
  out.loop = setup_.number;
  for (auto& result : std::exchange(x.results, {})) {
    auto line = x.names->find(result.number);
    if (!of || line == x.names->end() || result.what == part_result::kind::again)
      continue;
    auto record = record_of(*of, x, line->second, result);
    auto* to = setup_.targets.models->find_deployment(record.deployment);
    line_outcome outcome;
    outcome.answered = result.what == part_result::kind::answered;
    outcome.text =
        response_line({of->state.id(), result.number, line->second.custom_id, record.request_id},
                      result.status, result.body);
    if (outcome.answered)
      outcome.charge = {record.request_id + "-" + id,
                        record.tenant,
                        record.deployment,
                        to->price ? to->price->version + " less " +
                                        std::to_string(x.state.record().discount_percent) + "%"
                                  : std::string{},
                        now_seconds(),
                        record.usage,
                        record.cost};
    job_line named;
    named.number = result.number;
    auto more = of->state.done(named, outcome);
    std::move(more.begin(), more.end(), std::back_inserter(changes));
    count_line(record.provider, outcome.answered, record.cost);
    written.push_back(result.number);
    x.names->erase(line);
    out.requests.push_back(std::move(record));
  }
  if (!changes.empty()) {
    x.writing = true;
    return write(std::move(changes), [this, id, written, out]() mutable {
      auto& same = *find_part(id);
      same.writing = false;
      if (auto* still = find_active(same.state.record().batch)) {
        for (auto number : written)
          still->state.written(number);
        settle(*still);
      }
      if (setup_.monitor)
        caf::anon_send(setup_.monitor, std::move(out));
      take_results(same);
    });
  }
  if (x.call != 0)
    return self_->send(setup_.targets.upstreams.at(x.state.record().provider),
                       stream_credit{x.call, std::exchange(x.owed, 0)});
  if (std::exchange(x.read_over, false)) {
    x.state.file_read();
    drive(id);
  }
}

} // namespace sluice
