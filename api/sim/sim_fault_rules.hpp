#pragma once

#include "api/sim/sim_fault.hpp"
#include "runtime/messages.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// What a rule can look at in a call.
struct sim_occasion {
  endpoint kind = endpoint::chat_completions;
  std::string_view model;
  bool stream = false;
};

/// Faults that strike by rule, "every=10 fault=429 retry_after_ms=50". Reproducible: the same rules
/// and seed strike the same calls of the same sequence.
class sim_fault_rules {
public:
  /// Reads the rules. Fails with `bad_configuration`, saying which rule and why.
  static caf::expected<sim_fault_rules> parse(const std::vector<std::string>& rules, uint64_t seed);

  /// The fault of the first rule that strikes this call. Each rule counts every call that it fits,
  /// whether an earlier rule struck or not, so that rules do not shift each other.
  std::optional<sim_fault> strike(const sim_occasion& call);

  bool empty() const { return rules_.empty(); }

private:
  struct rule {
    sim_fault fault;
    std::string model; ///< empty for all; a trailing '*' stands for any ending
    std::optional<endpoint> kind;
    std::optional<bool> stream;
    uint64_t every = 1;
    uint64_t times = 0; ///< strikes at most; 0 for no limit
    double probability = 1;
    uint64_t random = 0; ///< state of its generator
    uint64_t fitting = 0;
    uint64_t struck = 0;
  };

  static caf::error read(rule& to, std::string_view text);
  static caf::expected<bool> read_condition(rule& to, const sim_option& option);
  static bool fits(const rule& x, const sim_occasion& call);
  static bool strikes(rule& x);

  std::vector<rule> rules_;
};

} // namespace sluice
