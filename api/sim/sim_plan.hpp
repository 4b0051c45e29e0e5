#pragma once

#include "api/sim/sim_fault.hpp"
#include "api/sim/sim_request.hpp"
#include "runtime/configuration.hpp"
#include "runtime/messages.hpp"
#include "runtime/money.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sluice {

/// One of the answers of a call.
struct sim_choice {
  std::string text;           ///< content, or the arguments of a tool call
  std::vector<uint32_t> ends; ///< where its tokens end
  std::string_view finish_reason;
  uint64_t seed = 0;       ///< of the text, where it has no end
  int64_t head_tokens = 0; ///< of a tool call: those of the function's name

  int64_t tokens() const { return head_tokens + static_cast<int64_t>(ends.size()); }
};

/// All that happens to one call, worked out when it comes: `sim_run` plays it against a clock.
struct sim_plan {
  endpoint kind = endpoint::chat_completions;
  uint16_t status = 200;
  header_list headers;
  bool streamed = false; ///< the reply is a stream of events
  std::string body;      ///< of a reply that is not
  sim_effects effects;   ///< disruption is `none` where status and body say it all

  // The stream: events are made when they are due, so that a stream without end costs no memory.
  std::vector<sim_choice> choices;
  std::string event_head; ///< of each event up to its choices
  std::string event_tail; ///< of each event from its choices on
  std::string usage_tail; ///< of the usage event from its choices on; empty where none is sent
  std::string tool;       ///< name of the called function; empty for text

  std::chrono::nanoseconds first_byte{0}; ///< from the start of service until tokens are made
  std::chrono::nanoseconds per_token{0};
  /// Of several chats, which are made side by side: output tokens of the longest, which are the
  /// time it takes. Empty where all tokens are made one after the other.
  std::optional<int64_t> longest;

  // The bill.
  std::string attempt_id;
  std::string model;
  int64_t items = 0; ///< prompts, inputs or chats
  token_price price;
  token_usage usage;   ///< of the whole answer; zero for an error reply
  bool served = true;  ///< takes a slot
  bool failed = false; ///< is an error, whatever its status
};

/// What a plan follows from beside the request.
struct sim_making {
  const simulation_settings& settings;
  sim_effects effects;
  uint64_t call = 0; ///< makes the ids of two equal calls differ
  wall_time now;
  std::string attempt_id;
};

/// The plan of an answer. Refuses what cannot be answered: a schema that nothing was found to fit,
/// or more tokens than the simulator works out at once.
std::variant<sim_plan, sim_refusal> plan_answer(const sim_request& request,
                                                const sim_making& making);

/// The plan of an error reply. It is not billed.
sim_plan plan_refusal(const sim_refusal& refusal, const sim_making& making);

} // namespace sluice
