#pragma once

#include "actors/monitor/label_table.hpp"
#include "actors/monitor/metric_families.hpp"
#include "runtime/messages.hpp"

#include <array>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

namespace sluice {

/// Adds request records to the request metrics. Only models that are configured become labels, and
/// end users never do: what a caller may choose freely must not choose how many series there are.
class request_counters {
public:
  /// `families` must outlive it; `models` are the names that callers may use.
  request_counters(request_families& families, const std::vector<std::string>& models,
                   size_t combinations_max = label_table<int>::combinations_max);

  void add(const request_record& x);

  /// Requests counted under "other" so far because a table was full.
  uint64_t overflowed() const { return overflowed_; }

private:
  /// Handles of a request's labels. Null where such a request adds nothing.
  struct outcome {
    prometheus::Counter* requests = nullptr;
    prometheus::Histogram* duration = nullptr;
    prometheus::Counter* request_bytes = nullptr;
    prometheus::Counter* response_bytes = nullptr;
    // Of inference requests.
    prometheus::Counter* attempts = nullptr;
    prometheus::Counter* retries = nullptr;
    prometheus::Counter* fallbacks = nullptr;
    prometheus::Counter* chunks = nullptr;
    prometheus::Histogram* server_duration = nullptr;
    prometheus::Histogram* client_duration = nullptr;
    // Of answered ones.
    prometheus::Histogram* overhead = nullptr;
    prometheus::Counter* usage_unknown = nullptr;
    prometheus::Counter* merged = nullptr;
    prometheus::Counter* distribution = nullptr;
    prometheus::Histogram* first_token = nullptr;
    prometheus::Histogram* per_token = nullptr;
    prometheus::Histogram* input_tokens = nullptr;
    prometheus::Histogram* output_tokens = nullptr;
  };

  /// Who spends.
  struct spending {
    std::array<prometheus::Counter*, 5> tokens{}; ///< in the order of `token_usage`
    prometheus::Counter* cost = nullptr;
  };

  /// The labels of an outcome as texts.
  struct labels {
    std::string route;
    std::string model;
    std::string provider;
    std::string status;
    std::string error;
  };

  std::string_view model_label(const request_record& x) const;
  outcome& outcome_of(const request_record& x, std::string_view model);
  spending& spending_of(const request_record& x, std::string_view model);
  outcome make_outcome(const labels& by) const;
  outcome make_outcome(const request_record& x, std::string_view model) const;
  void add_inference_handles(const request_record& x, std::string_view model, outcome& to) const;
  spending make_spending(const std::string& tenant, const std::string& model,
                         const std::string& provider) const;
  static void add_outcome(const request_record& x, const outcome& to);
  static void add_answer(const request_record& x, const outcome& to);
  void add_packing(const request_record& x) const;
  static void add_spending(const request_record& x, const spending& to);

  request_families& families_;
  std::unordered_set<std::string> models_;
  label_table<outcome> outcomes_;
  label_table<spending> spendings_;
  std::optional<outcome> other_outcome_;
  std::optional<spending> other_spending_;
  uint64_t overflowed_ = 0;
};

} // namespace sluice
