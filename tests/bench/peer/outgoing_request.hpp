#pragma once

#include <cstdint>
#include <string>

namespace sluice::bench {

struct request_settings {
  std::string model = "bench-model";
  std::string key = "sk-bench-0123456789abcdef0123456789abcdef"; ///< as long as keys are
  uint32_t events =
      0; ///< of a stream, usage and [DONE] not counted; at least 2, or 0 for a whole answer
};

/// A chat request with a body of exactly 1,024 bytes and the header fields that OpenAI's Python
/// package sends. It has the number 0.
std::string chat_request(const request_settings& settings);

/// Gives `request` another number, so that no two requests ask the same: a gateway that lets equal
/// ones share a call would otherwise be measured by what it left out.
void renumber(std::string& request, uint64_t number);

} // namespace sluice::bench
