#include "api/sim/sim_engine.hpp"

#include "api/sim/sim_hash.hpp"
#include "api/sim/sim_json.hpp"

#include <utility>

namespace sluice {
namespace {

/// Prompts whose `times` are remembered: more than a test has in flight, and 200 KB.
constexpr size_t struck_max = 4'096;

/// When the models were "created": a constant, as the list of models must not change by itself.
constexpr int64_t models_created = 1'750'000'000;

void append_model(std::string& out, std::string_view name) {
  out += R"({"id":)";
  append_json_string(out, name);
  out += R"(,"object":"model","created":)";
  append_decimal(out, models_created);
  out += R"(,"owned_by":"sluice-simulated","simulated":true})";
}

} // namespace

caf::expected<std::shared_ptr<sim_engine>> sim_engine::make(simulation_settings settings,
                                                            sim_options options) {
  auto rules = sim_fault_rules::parse(settings.fault_rules, settings.seed);
  if (!rules)
    return rules.error();
  std::unique_ptr<sim_usage_log> log;
  if (!settings.usage_log.empty()) {
    auto opened = sim_usage_log::open(settings.usage_log, options.report);
    if (!opened)
      return opened.error();
    log = std::move(*opened);
  }
  return std::shared_ptr<sim_engine>{
      new sim_engine{std::move(settings), std::move(options), std::move(*rules), std::move(log)}};
}

sim_engine::sim_engine(simulation_settings settings, sim_options options, sim_fault_rules rules,
                       std::unique_ptr<sim_usage_log> log)
    : settings_(std::move(settings)), options_(std::move(options)), has_rules_(!rules.empty()),
      rules_(std::move(rules)), slots_({settings_.slots, settings_.queue_max}),
      log_(std::move(log)) {}

/// Whether a fault that strikes the first `times` calls with the same prompt strikes this one.
bool sim_engine::still_strikes(uint32_t times, const sim_request& request, size_t which) {
  if (times == 0)
    return true;
  auto key = sim_mix(request.prompts.front().hash ^ which);
  std::lock_guard lock{mutex_};
  auto [i, added] = struck_.try_emplace(key, 0);
  if (added) {
    struck_order_.push_back(key);
    if (struck_order_.size() > struck_max) {
      struck_.erase(struck_order_.front());
      struck_order_.pop_front();
    }
  }
  if (i->second >= times)
    return false;
  ++i->second;
  return true;
}

caf::expected<sim_engine::wishes> sim_engine::wishes_in(const sim_request& request) {
  wishes result;
  for (const auto& prompt : request.prompts) {
    auto faults = find_magic(prompt.text);
    if (!faults)
      return faults.error();
    sim_effects wished;
    for (const auto& fault : *faults) {
      if (!still_strikes(fault.times, request, result.asked++))
        continue;
      if (auto error = merge_effects(wished, fault.effects))
        return error;
    }
    // Prompts that came together share one reply, which the first of them breaks.
    if (result.effects.disruption != sim_disruption::none)
      wished.disruption = sim_disruption::none;
    if (auto error = merge_effects(result.effects, wished))
      return error;
  }
  return result;
}

sim_effects sim_engine::struck_by_rule(const sim_occasion& call) {
  if (!has_rules_)
    return {};
  std::lock_guard lock{mutex_};
  auto struck = rules_.strike(call);
  return struck ? struck->effects : sim_effects{};
}

void sim_engine::set_price(sim_plan& plan) const {
  if (auto i = options_.prices.find(plan.model); i != options_.prices.end())
    plan.price = i->second;
}

sim_plan sim_engine::plan(endpoint kind, std::string_view body, std::string attempt_id,
                          wall_time now) {
  sim_making making{settings_, {}, 0, now, std::move(attempt_id)};
  {
    std::lock_guard lock{mutex_};
    making.call = ++calls_;
  }
  if (kind == endpoint::chat_batch)
    return plan_chats(body, making);
  auto read = read_sim_request({kind, settings_.seed, options_.any_model}, body);
  auto* request = std::get_if<sim_request>(&read);
  auto refused = [&](const sim_refusal& why) {
    auto plan = plan_refusal(why, making);
    plan.kind = kind;
    if (request != nullptr) {
      plan.model = request->model;
      plan.items = static_cast<int64_t>(request->prompts.size());
    }
    return plan;
  };
  if (request == nullptr)
    return refused(std::get<sim_refusal>(read));
  auto wished = wishes_in(*request);
  if (!wished) {
    auto why = refusal_of_status(400);
    why.message = message_of(wished.error());
    why.param = kind == endpoint::chat_completions ? "messages"
                : kind == endpoint::completions    ? "prompt"
                                                   : "input";
    return refused(why);
  }
  // A magic prompt comes before all rules.
  making.effects = wished->asked > 0
                       ? wished->effects
                       : struck_by_rule({request->kind, request->model, request->stream});
  if (making.effects.disruption == sim_disruption::status)
    return refused(refusal_of_status(making.effects.status));
  auto planned = plan_answer(*request, making);
  if (auto* why = std::get_if<sim_refusal>(&planned))
    return refused(*why);
  auto& result = std::get<sim_plan>(planned);
  set_price(result);
  return std::move(result);
}

sim_plan sim_engine::plan_overload(const sim_plan& call) {
  sim_making making{settings_, {}, 0, {}, call.attempt_id};
  {
    std::lock_guard lock{mutex_};
    making.call = ++calls_;
  }
  auto why = refusal_of_status(429);
  why.message = "[simulated] All slots are taken and the queue is full.";
  auto result = plan_refusal(why, making);
  result.kind = call.kind;
  result.model = call.model;
  result.items = call.items;
  return result;
}

uint64_t sim_engine::next_ticket() {
  std::lock_guard lock{mutex_};
  return ++tickets_;
}

sim_slots::entry sim_engine::enter(uint64_t ticket, steady_time now,
                                   std::function<void()> started) {
  if (settings_.slots == 0)
    return sim_slots::entry::started;
  std::lock_guard lock{mutex_};
  auto result = slots_.enter(ticket, now);
  if (result == sim_slots::entry::queued)
    waiting_.emplace(ticket, std::move(started));
  return result;
}

void sim_engine::leave(uint64_t ticket, steady_time now) {
  if (settings_.slots == 0)
    return;
  std::function<void()> started;
  {
    std::lock_guard lock{mutex_};
    waiting_.erase(ticket);
    if (auto next = slots_.leave(ticket, now)) {
      auto i = waiting_.find(next->call);
      started = std::move(i->second);
      waiting_.erase(i);
    }
  }
  if (started)
    started();
}

bool sim_engine::log(const sim_plan& plan, const token_usage& used, sim_outcome outcome) {
  if (settings_.usage_log.empty())
    return false;
  auto line = usage_log_line(plan, used, outcome);
  std::lock_guard lock{mutex_};
  return log_->add(line);
}

void sim_engine::flush_log() {
  std::lock_guard lock{mutex_};
  if (log_)
    log_->flush();
}

std::string sim_engine::models_json() const {
  std::string out = R"({"object":"list","data":[)";
  for (const auto& model : sim_models()) {
    if (&model != sim_models().data())
      out += ',';
    append_model(out, model.name);
  }
  return out + "]}";
}

std::string sim_engine::model_json(std::string_view name) const {
  std::string out;
  if (options_.any_model || find_sim_model(name) != nullptr)
    append_model(out, name);
  return out;
}

} // namespace sluice
