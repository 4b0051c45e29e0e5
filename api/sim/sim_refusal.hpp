#pragma once

#include <cstdint>
#include <string>

namespace sluice {

/// An error reply of the simulated provider: part of what it simulates, not a failure of ours.
struct sim_refusal {
  uint16_t status = 400;
  std::string message;
  std::string type = "invalid_request_error";
  std::string param; ///< the offending field; empty for null
  std::string code;  ///< empty for null
};

/// What a provider says with an error `status`.
sim_refusal refusal_of_status(uint16_t status);

/// The body of an error reply, and the data of an error event.
std::string error_body(const sim_refusal& refusal);

} // namespace sluice
