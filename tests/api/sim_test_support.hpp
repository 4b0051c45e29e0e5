#pragma once

#include "api/sim/sim_engine.hpp"

#include <nlohmann/json.hpp>

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace sluice::sim_test {

/// An arbitrary moment: plans are played against explicit time.
inline const steady_time start{std::chrono::hours{1}};

inline std::shared_ptr<sim_engine> engine(simulation_settings settings = {},
                                          sim_options options = {}) {
  auto result = sim_engine::make(std::move(settings), std::move(options));
  if (!result)
    throw std::runtime_error(message_of(result.error()));
  return *result;
}

inline std::string chat(const std::string& prompt, nlohmann::json more = nlohmann::json::object()) {
  nlohmann::json body{{"model", "sim-simple"},
                      {"messages", {{{"role", "user"}, {"content", prompt}}}}};
  body.update(more);
  return body.dump();
}

inline std::string stream(const std::string& prompt,
                          nlohmann::json more = nlohmann::json::object()) {
  more["stream"] = true;
  return chat(prompt, std::move(more));
}

inline sim_plan plan_of(sim_engine& x, const std::string& body,
                        endpoint kind = endpoint::chat_completions) {
  return x.plan(kind, body, "attempt-1", wall_time{std::chrono::seconds{1'800'000'000}});
}

/// What a plan does when nobody holds it back.
struct played {
  std::string text;
  std::vector<std::string> events; ///< data of each
  std::vector<std::chrono::nanoseconds> due;
  sim_step_kind last = sim_step_kind::silence;
  sim_outcome outcome = sim_outcome::cancelled;
  token_usage used;
};

/// Plays up to `steps_max` steps.
inline played play(sim_plan plan, size_t steps_max = 10'000) {
  played result;
  sim_run run{std::move(plan), start};
  auto at = start;
  for (size_t i = 0; i < steps_max; ++i) {
    auto step = run.next();
    result.last = step.kind;
    if (!step.has_text())
      break;
    EXPECT_GE(step.due, at) << "time goes forward";
    at = step.due;
    result.due.push_back(step.due - start);
    std::string text;
    run.take(text);
    if (step.is_event()) {
      EXPECT_TRUE(text.starts_with("data: ")) << text;
      EXPECT_TRUE(text.ends_with("\n\n")) << text;
      result.events.push_back(text.substr(6, text.size() - 8));
    }
    result.text += text;
  }
  result.outcome = run.outcome();
  result.used = run.used(at);
  return result;
}

inline nlohmann::json whole(sim_engine& x, const std::string& body,
                            endpoint kind = endpoint::chat_completions) {
  auto result = play(plan_of(x, body, kind));
  EXPECT_EQ(result.last, sim_step_kind::end);
  return nlohmann::json::parse(result.text);
}

} // namespace sluice::sim_test
