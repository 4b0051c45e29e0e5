#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace sluice {

/// Evidence about a range of probabilities before a namespace has any of its own.
struct region_prior {
  double probability_min = 0; ///< the region reaches up to the next one's
  double samples = 0;         ///< worth as much as so many verified hits
  double errors = 0;          ///< of them wrong
};

struct error_bound_settings {
  /// Highest share of wrong answers among those served, 0 to 1.
  double error_rate_max = 0.01;
  /// Share of would-be hits that are verified at most, as at the beginning, and at least. What lies
  /// between follows from `error_rate_max`: see `error_bound::verified_share`. With three of four
  /// whoever waits for a region to open is found out at once, and the fourth is what it earns.
  double verified_share_start = 0.75;
  /// One in a hundred costs a hundredth of what hits save.
  double verified_share_min = 0.01;
  /// By rising `probability_min`; what lies below the first is never a would-be hit.
  std::vector<region_prior> regions;
};

/// What was seen of the would-be hits of a region.
struct region_evidence {
  uint64_t served = 0;
  uint64_t verified = 0;
  uint64_t wrong = 0; ///< of the verified
  double samples = 0; ///< faded, prior included
  double errors = 0;  ///< likewise
};

/// What a bound has learnt, as it outlives the process.
struct bound_evidence {
  std::vector<region_evidence> regions;
  double served_wrong = 0;
  double served_wrong_variance = 0;
  uint32_t suspicion_left = 0;
  uint64_t suspected = 0;
};

/// What becomes of a would-be hit.
enum class hit_decision : uint8_t {
  serve,     ///< the bound holds
  unlikely,  ///< the judge does not believe in it
  unproven,  ///< too little evidence, or too many errors, at this probability
  suspected, ///< an error was seen a moment ago: everything is looked at
  sampled,   ///< would be served, but is looked at
};
std::string_view to_string_view(hit_decision x);

/// Keeps the error rate of a namespace's hits by meaning below what its operator allows, and knows
/// how sure that is.
///
/// Would-be hits fall into regions by the judge's probability. A region serves while the upper
/// bound of its error rate (Clopper and Pearson 1934, one-sided, 95 %) over verified hits and prior
/// is at most `error_rate_max`. Whatever is not served goes upstream anyway, and comparing the two
/// answers gives a sample for nothing; of what is served a share is verified in the same way. An
/// error makes everything be verified for a while; a second one in that time shows that the
/// namespace is not what the prior was made from, and the region starts again with nothing, as do
/// those below it. Regions and samples as in vCache (Schroeder et al. 2025, arXiv:2502.03771),
/// which draws a line for each entry; here an entry that was wrong once is left to its `semantic
/// cache`.
///
/// Old evidence fades: a sample counts half after `half_life` others in its region, as what a
/// namespace is asked changes.
class error_bound {
public:
  explicit error_bound(error_bound_settings settings);

  /// Bounds errors otherwise from now on; what was learnt stays.
  void limit(double error_rate_max);
  double error_rate_max() const { return settings_.error_rate_max; }

  /// What to do with a would-be hit of this probability; `coin` is uniform in [0, 1).
  hit_decision decide(double probability, double coin) const;

  /// A would-be hit was served.
  void served(double probability);
  /// A would-be hit, which `decide` did not let be served, was compared with the upstream's answer.
  void verified(double probability, bool right);

  /// Share of would-be hits that are verified now. Errors that begin without warning, as from who
  /// waited to be trusted, are served until one of them is verified. With a chance of 99 % that
  /// is no later than what may be wrong by now, less what probably is, allows: as much as leaves
  /// the bound inside of the observed rate's interval.
  /// Samples of a region's prior count like hits that were served: what is known needs less
  /// looking.
  double verified_share(double probability = 0) const;

  struct region : region_evidence {
    double probability_min = 0;
    double error_rate = 0;    ///< estimate: errors / samples
    double error_rate_to = 1; ///< upper bound
    bool open = false;        ///< serves
  };
  std::span<const region> regions() const { return regions_; }

  bound_evidence evidence() const;
  /// Goes on from what an earlier bound with the same settings had learnt: it counts as much as it
  /// did there, suspicion included. False, and nothing changes, where no such bound can have learnt
  /// it.
  bool restore(const bound_evidence& x);

  /// Verified hits after which an older one counts half. Twice what it takes to open a region at an
  /// error rate of 1 % without a prior (299), so that one that earned its place keeps it.
  static constexpr double half_life = 600;
  /// After an error so many would-be hits are verified in a row: where one in ten is wrong, two of
  /// three times another is among them.
  static constexpr uint32_t suspicion = 10;

private:
  size_t region_of(double probability) const; // or `none`
  void judge_again(region& x);
  void learn_of_error(size_t at);

  static constexpr size_t none = static_cast<size_t>(-1);

  error_bound_settings settings_;
  std::vector<region> regions_;
  uint64_t served_ = 0;
  double served_wrong_ = 0;          ///< estimate: what samples stand for
  double served_wrong_variance_ = 0; ///< of the estimate
  uint32_t suspicion_left_ = 0;
  size_t suspected_ = 0; ///< while there is suspicion: up to which region
};

/// Upper bound of an error rate of which `errors` in `samples` were seen, 95 % one-sided. Counts
/// may be fractions, as they fade.
double error_rate_upper(double errors, double samples);

/// The interval of 95 %, two-sided.
std::array<double, 2> error_rate_interval(double errors, double samples);

} // namespace sluice
