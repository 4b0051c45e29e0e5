#include "actors/jobs/jobs_actor.hpp"
#include "actors/jobs/jobs_store.hpp"

#include <algorithm>

namespace sluice {

namespace {

/// What stands around a request's body in a line of a part's file, the model's name there included.
constexpr uint64_t around_line = 256;

/// After its first line a part waits so long for it to be full: the rest of a batch is read in
/// seconds, unless the node has better things to do.
constexpr std::chrono::minutes gathering_max{1};

} // namespace

const provider_settings* jobs_desk::provider_of(const std::string& name) const {
  for (auto& x : setup_.settings->providers)
    if (x.name == name)
      return &x;
  return nullptr;
}

/// Whether the line goes to a provider's batch endpoint, for the deployment that is best for it is
/// there.
bool jobs_desk::leaves(const active& of, const job_line& line, const deployment& to) const {
  auto* provider = provider_of(to.provider);
  return provider && provider->batch_endpoint.enabled &&
         setup_.targets.upstreams.count(to.provider) > 0 &&
         without_endpoint_.count(to.provider) == 0 && of.state.may_leave(line.number) &&
         of.state.batch().status == batch_status::in_progress &&
         line.body.size() + around_line <= provider->batch_endpoint.bytes_max;
}

/// The line waits for the part to be full. Only its number is kept: its text is in the store.
void jobs_desk::gather(uint64_t id, const deployment& to) {
  auto node = runs_.extract(id);
  auto& line = node.mapped().line;
  auto& of = *find_active(node.mapped().batch);
  auto& bounds = provider_of(to.provider)->batch_endpoint;
  auto size = line.body.size() + around_line;
  auto& group = of.gathered[to.id];
  if (group.bytes + size > bounds.bytes_max)
    choose(of, to.id, std::exchange(group, {}));
  if (group.lines.empty())
    group.since = now();
  group.lines.push_back(line.number);
  group.bytes += size;
  if (group.lines.size() >= bounds.lines_max)
    choose(of, to.id, std::exchange(group, {}));
  pump();
}

/// What has been gathered of a batch that has no more lines becomes parts, however small, as does
/// what has waited for long; of a batch that is ending it goes back.
void jobs_desk::gathered(active& x) {
  if (x.gathered.empty())
    return;
  auto ending = x.state.batch().status != batch_status::in_progress;
  auto undecided = std::any_of(runs_.begin(), runs_.end(), [&](auto& entry) {
    return entry.second.batch == x.state.id() && entry.second.candidates.empty();
  });
  auto whole = !undecided && x.state.all_taken();
  for (auto& [deployment, group] : x.gathered)
    if (ending)
      x.state.taken_back(std::exchange(group, {}).lines);
    else if (whole || now() - group.since > gathering_max)
      choose(x, deployment, std::exchange(group, {}));
  std::erase_if(x.gathered, [](auto& entry) { return entry.second.lines.empty(); });
}

void jobs_desk::choose(active& of, const std::string& deployment, part_gathering&& lines) {
  if (lines.lines.empty())
    return;
  auto& batch = of.state.batch();
  auto* to = setup_.targets.models->find_deployment(deployment);
  part_record made;
  made.id = make_id("part_");
  made.batch = batch.id;
  made.tenant = batch.owner.tenant;
  made.deployment = deployment;
  made.provider = to->provider;
  made.kind = batch.kind;
  made.lines = std::move(lines.lines);
  std::sort(made.lines.begin(), made.lines.end());
  made.discount_percent = provider_of(to->provider)->batch_endpoint.discount_percent;
  made.chosen_at = now_seconds();
  auto id = made.id;
  auto& x = *(parts_[id] = std::make_unique<part_run>(job_part{std::move(made), true}));
  untold_ = true;
  auto& record = x.state.record();
  part_wrote(x, {put(part_key(record.batch, id), to_record(record))});
}

// -- figures ----------------------------------------------------------------------------------

void jobs_desk::count_line(const std::string& way, bool answered, nanousd cost) {
  auto& lines = figures_.lines;
  auto found = std::find_if(lines.begin(), lines.end(), [&](auto& x) { return x.way == way; });
  if (found == lines.end())
    found = lines.insert(lines.end(), job_lines_report{way, 0, 0, {}});
  ++(answered ? found->answered : found->failed);
  found->cost += cost;
  untold_ = true;
}

void jobs_desk::count_end(const batch_object& x) {
  auto& ended = figures_.ended;
  auto name = to_string_view(x.status);
  auto found =
      std::find_if(ended.begin(), ended.end(), [&](auto& entry) { return entry.first == name; });
  if (found == ended.end())
    found = ended.insert(ended.end(), {std::string{name}, 0});
  ++found->second;
  untold_ = true;
}

void jobs_desk::tell() {
  auto time = now();
  if (!setup_.monitor || !untold_ || time < tell_due_) {
    untold_ = untold_ && setup_.monitor;
    return;
  }
  tell_due_ = time + std::chrono::seconds{1};
  std::map<batch_status, uint32_t> counts{{batch_status::validating, 0},
                                          {batch_status::in_progress, 0},
                                          {batch_status::finalizing, 0},
                                          {batch_status::cancelling, 0}};
  uint32_t under_way = 0;
  for (auto& [id, x] : active_) {
    auto status = x->state.batch().status;
    if (!is_over(status))
      ++counts[status];
    under_way += x->state.under_way();
  }
  for (auto& [status, count] : counts)
    figures_.batches.emplace_back(to_string_view(status), count);
  figures_.lines_under_way = static_cast<uint32_t>(runs_.size());
  figures_.lines_handed_over = under_way - std::min(under_way, figures_.lines_under_way);
  // While a batch is there its figures change.
  untold_ = !active_.empty();
  caf::anon_send(setup_.monitor, std::exchange(figures_, {}));
}

} // namespace sluice
