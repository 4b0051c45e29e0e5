#pragma once

#include <caf/expected.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Faults and other wishes about one simulated call, and the words that ask for them.
/// `docs/simulator.md` is the manual.
namespace sluice {

/// What breaks an answer. At most one does.
enum class sim_disruption : uint8_t {
  none,
  status,      ///< an error reply instead of an answer
  cut,         ///< the connection is dropped inside the body
  malformed,   ///< JSON that ends too early
  error_event, ///< an error object inside a 200
  stall,       ///< the body goes silent
  endless,     ///< the body has no end
  hang,        ///< not one byte of a reply
  reset,       ///< the connection is dropped before the first byte
};

/// What is wrong with the answer to one question of a packed prompt. A question alone has none.
enum class sim_pack_fault : uint8_t {
  none,
  missing, ///< is left out
  twice,   ///< is there twice
  broken,  ///< breaks the JSON of all
};

/// Everything that a call can be made to do.
struct sim_effects {
  sim_disruption disruption = sim_disruption::none;
  uint16_t status = 0; ///< of an error reply
  uint32_t after = 0;  ///< whole events that a stream sends before the disruption
  std::chrono::milliseconds retry_after{-1};          ///< for an error reply; negative for none
  std::optional<bool> should_retry;                   ///< x-should-retry of an error reply
  std::chrono::milliseconds first_byte{0};            ///< added before the first byte
  std::optional<std::chrono::microseconds> per_token; ///< in place of the setting
  std::optional<int64_t> tokens;                      ///< visible tokens of the answer
  std::optional<int64_t> reasoning;                   ///< reasoning tokens
  std::optional<int64_t> cached;                      ///< prompt tokens read from a prompt cache
  bool usage_left_out = false;                        ///< says nothing about usage
  sim_pack_fault pack = sim_pack_fault::none;
};

/// One fault as it was asked for.
struct sim_fault {
  sim_effects effects;
  uint32_t times = 0; ///< only the first so many calls with the same prompt; 0 for every call
};

using sim_option = std::pair<std::string_view, std::string_view>;

/// Reads the fault called `name`, a status from 400 to 599 or one of the names in the manual. Fails
/// with `invalid_value` and a sentence that says what is allowed.
caf::expected<sim_fault> parse_sim_fault(std::string_view name,
                                         std::span<const sim_option> options);

/// Splits "a=1 b=2" at spaces into names and values; a word without '=' has an empty value.
std::vector<sim_option> split_sim_options(std::string_view text);

/// The faults asked for in a prompt as "[[sim:NAME option=value ...]]", in their order. Fails with
/// `invalid_value`.
caf::expected<std::vector<sim_fault>> find_magic(std::string_view prompt);

/// Adds the wishes of `more` to `effects`. Fails with `invalid_value` where both disrupt.
caf::error merge_effects(sim_effects& effects, const sim_effects& more);

} // namespace sluice
