#include "actors/monitor/namespace_metrics.hpp"

#include <fmt/format.h>

namespace sluice {

namespace {

constexpr const char* other = "other";

} // namespace

namespace_metrics::namespace_metrics(prometheus::Registry& registry)
    : requests_(gauge(registry, "sluice_cache_namespace_requests",
                      "Requests since the start that asked the cache, by namespace and by the "
                      "level that answered.")),
      saved_nanousd_(gauge(registry, "sluice_cache_namespace_saved_nanousd",
                           "What the answers had cost that were given again, since the start.")),
      saved_tokens_(gauge(registry, "sluice_cache_namespace_saved_tokens",
                          "What these had taken, input and output.")),
      entries_(gauge(registry, "sluice_cache_namespace_entries", "Questions compared with.")),
      served_(gauge(registry, "sluice_cache_namespace_served",
                    "Answers given by meaning, as long as it is known.")),
      verified_(gauge(registry, "sluice_cache_namespace_verified",
                      "Would-be hits compared with the provider's answer, likewise.")),
      wrong_(gauge(registry, "sluice_cache_namespace_wrong", "Of these, not the same answer.")),
      error_rate_(gauge(registry, "sluice_cache_namespace_error_rate",
                        "Of what is given by meaning now: estimate and interval of 95 %.")),
      probability_min_(gauge(registry, "sluice_cache_namespace_probability_min",
                             "Lowest probability that is served now; 2 where none is.")),
      verified_share_(gauge(registry, "sluice_cache_namespace_verified_share",
                            "Share of would-be hits that are verified now.")) {}

namespace_metrics::figures& namespace_metrics::named(const fingerprint& scope) {
  auto name = fmt::format("{:016x}{:016x}", scope.high, scope.low);
  if (auto at = spaces_.find(name); at != spaces_.end())
    return at->second;
  return spaces_[spaces_.size() < named_max ? name : other];
}

void namespace_metrics::add(const request_record& x) {
  if (!x.cache_scope || x.cache == cache_result::unasked)
    return;
  auto& to = named(x.cache_scope);
  ++to.results.at(static_cast<size_t>(x.cache) - static_cast<size_t>(cache_result::miss));
  to.saved_nanousd += x.cache_saved.value;
  to.saved_tokens += x.cache_saved_tokens;
}

void namespace_metrics::add(const std::vector<namespace_report>& x) {
  for (auto& each : x)
    named(each.scope).learnt = each;
}

void namespace_metrics::set() {
  for (auto& [name, x] : spaces_) {
    prometheus::Labels space{{"namespace", name}};
    for (size_t i = 0; i < x.results.size(); ++i) {
      auto level = static_cast<cache_result>(i + static_cast<size_t>(cache_result::miss));
      requests_.Add({{"namespace", name}, {"level", std::string{level_name(level)}}})
          .Set(static_cast<double>(x.results[i]));
    }
    saved_nanousd_.Add(space).Set(static_cast<double>(x.saved_nanousd));
    saved_tokens_.Add(space).Set(static_cast<double>(x.saved_tokens));
    auto& learnt = x.learnt;
    if (!learnt.scope || name == other) // which have nothing in common to tell
      continue;
    entries_.Add(space).Set(static_cast<double>(learnt.entries));
    served_.Add(space).Set(static_cast<double>(learnt.served));
    verified_.Add(space).Set(static_cast<double>(learnt.verified));
    wrong_.Add(space).Set(static_cast<double>(learnt.wrong));
    probability_min_.Add(space).Set(learnt.probability_min);
    verified_share_.Add(space).Set(learnt.verified_share);
    error_rate_.Add({{"namespace", name}, {"of", "estimate"}}).Set(learnt.error_rate);
    error_rate_.Add({{"namespace", name}, {"of", "from"}}).Set(learnt.error_rate_from);
    error_rate_.Add({{"namespace", name}, {"of", "to"}}).Set(learnt.error_rate_to);
  }
}

} // namespace sluice
