#pragma once

#include "api/sim/sim_fault.hpp"
#include "api/sim/sim_plan.hpp"
#include "api/sim/sim_request.hpp"

namespace sluice {

/// What is said to a request, before it is put into the words of the protocol.
struct sim_answer {
  std::vector<sim_choice> choices; ///< index = prompt · n + i
  int64_t reasoning = 0;           ///< tokens of all choices together
};

/// Answers chats and completions. Fails as `sim_value_for` does.
caf::expected<sim_answer> answer(const sim_request& request, const sim_effects& effects);

} // namespace sluice
