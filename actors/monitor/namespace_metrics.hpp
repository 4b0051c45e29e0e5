#pragma once

#include "actors/monitor/metric_families.hpp"
#include "runtime/messages.hpp"

#include <array>
#include <map>

namespace sluice {

/// What the cache does in each of its namespaces, as metrics; `sluice cache quality` reads them.
class namespace_metrics {
public:
  explicit namespace_metrics(prometheus::Registry& registry);

  /// A request that asked the cache.
  void add(const request_record& x);
  /// What the keeper knows of the most recently used.
  void add(const std::vector<namespace_report>& x);
  /// Brings the metrics to what was added.
  void set();

  /// With a label of their own; what more there are count as "other". Each has some twenty series.
  static constexpr size_t named_max = 100;

private:
  struct figures {
    std::array<uint64_t, 5> results{}; ///< by `cache_result`, from `miss` on
    int64_t saved_nanousd = 0;
    int64_t saved_tokens = 0;
    namespace_report learnt; ///< zero where the keeper said nothing
  };

  figures& named(const fingerprint& scope);

  std::map<std::string, figures> spaces_;
  gauge_family& requests_;
  gauge_family& saved_nanousd_;
  gauge_family& saved_tokens_;
  gauge_family& entries_;
  gauge_family& served_;
  gauge_family& verified_;
  gauge_family& wrong_;
  gauge_family& error_rate_;
  gauge_family& probability_min_;
  gauge_family& verified_share_;
};

} // namespace sluice
