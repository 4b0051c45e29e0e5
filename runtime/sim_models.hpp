#pragma once

#include "runtime/messages.hpp"
#include "runtime/money.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace sluice {

/// A model of the simulated provider. The catalogue and the simulator read the same row, so that
/// what the gateway charges and what the simulator bills can be compared to the nano-dollar.
struct sim_model {
  std::string_view name;
  std::span<const endpoint> endpoints;
  token_price price;
  int64_t context_tokens_max = 0;
  int64_t output_tokens_max = 0; ///< 0 where the model writes nothing
  int64_t answer_tokens = 0;     ///< typical length of an answer; single ones are ±50 %
  int64_t reasoning_tokens = 0;  ///< typical; single answers are ±50 %
};

/// One model a complexity class, and one for embeddings.
std::span<const sim_model> sim_models();

/// The row called exactly `name`; null where there is none.
const sim_model* find_sim_model(std::string_view name);

/// The row that `name` behaves and is priced as at `kind`. Names that are not in the table are the
/// embedding model where they are asked to embed; otherwise those that contain "very-complex"
/// reason, and all others are of the medium class.
const sim_model& sim_model_for(std::string_view name, endpoint kind);

} // namespace sluice
