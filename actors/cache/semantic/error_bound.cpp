#include "actors/cache/semantic/error_bound.hpp"

#include <boost/math/special_functions/beta.hpp>

#include <algorithm>
#include <cmath>

namespace sluice {

namespace {

constexpr double one_sided = 0.95;

/// Chance that errors which begin without warning are found out in time. It is not the 95 % of the
/// intervals: who passes breaks the bound for good, and one chance in twenty at each attempt is
/// more than one replay in ten that may fail. At 95 % an adversary on BANKING77's rows broke it in
/// 17 of 400 orders, at 99 % in three; that costs half a point of the hits in the streams of the
/// benchmark.
constexpr double found_out = 0.99;

/// Between so many standard deviations to both sides, and below so many, lie 95 %.
constexpr double two_sided_deviations = 1.96;
constexpr double one_sided_deviations = 1.645;

/// Quantile of the beta distribution, whatever the library thinks of its arguments.
double beta_quantile(double a, double b, double p) {
  namespace math = boost::math;
  using quiet =
      math::policies::policy<math::policies::domain_error<math::policies::ignore_error>,
                             math::policies::overflow_error<math::policies::ignore_error>,
                             math::policies::evaluation_error<math::policies::ignore_error>>;
  auto result = math::ibeta_inv(a, b, p, quiet{});
  return std::isfinite(result) ? result : 1.0;
}

} // namespace

double error_rate_upper(double errors, double samples) {
  if (samples - errors <= 0)
    return 1;
  return beta_quantile(errors + 1, samples - errors, one_sided);
}

std::array<double, 2> error_rate_interval(double errors, double samples) {
  constexpr double tail = (1 - one_sided) / 2;
  auto low = errors <= 0 ? 0.0 : beta_quantile(errors, samples - errors + 1, tail);
  auto high = samples - errors <= 0 ? 1.0 : beta_quantile(errors + 1, samples - errors, 1 - tail);
  return {low, high};
}

std::string_view to_string_view(hit_decision x) {
  switch (x) {
  case hit_decision::serve:
    return "serve";
  case hit_decision::unlikely:
    return "unlikely";
  case hit_decision::unproven:
    return "unproven";
  case hit_decision::suspected:
    return "suspected";
  case hit_decision::sampled:
    return "sampled";
  }
  return "unknown";
}

error_bound::error_bound(error_bound_settings settings) : settings_(std::move(settings)) {
  for (auto& x : settings_.regions) {
    region made;
    made.probability_min = x.probability_min;
    made.samples = x.samples;
    made.errors = x.errors;
    judge_again(made);
    regions_.push_back(made);
  }
}

void error_bound::limit(double error_rate_max) {
  settings_.error_rate_max = error_rate_max;
  for (auto& x : regions_)
    judge_again(x);
}

size_t error_bound::region_of(double probability) const {
  auto result = none;
  for (size_t i = 0; i < regions_.size() && probability >= regions_[i].probability_min; ++i)
    result = i;
  return result;
}

void error_bound::judge_again(region& x) {
  x.error_rate = x.samples > 0 ? x.errors / x.samples : 1;
  x.error_rate_to = error_rate_upper(x.errors, x.samples);
  x.open = x.error_rate_to <= settings_.error_rate_max;
}

double error_bound::verified_share(double probability) const {
  auto start = std::max(settings_.verified_share_start, settings_.verified_share_min);
  auto at = region_of(probability);
  auto known = static_cast<double>(served_) + (at == none ? 0 : settings_.regions[at].samples);
  // So many may be wrong before the rate that is seen shows that the bound is broken: the normal
  // approximation of the binomial's upper end.
  auto expected = settings_.error_rate_max * known;
  auto may_be_wrong = expected + two_sided_deviations * std::sqrt(expected);
  auto is_wrong = served_wrong_ + one_sided_deviations * std::sqrt(served_wrong_variance_);
  auto left = std::max(0.0, may_be_wrong - is_wrong);
  // All of `left` and one more pass unseen with a chance of one in a hundred.
  auto share = 1 - std::pow(1 - found_out, 1 / (1 + left));
  return std::clamp(share, settings_.verified_share_min, start);
}

hit_decision error_bound::decide(double probability, double coin) const {
  auto at = region_of(probability);
  if (at == none)
    return hit_decision::unlikely;
  if (!regions_[at].open)
    return hit_decision::unproven;
  // Where the judge was wrong although it was sure, it is not to be believed when it is less sure.
  if (suspicion_left_ > 0 && at <= suspected_)
    return hit_decision::suspected;
  return coin < verified_share(probability) ? hit_decision::sampled : hit_decision::serve;
}

void error_bound::served(double probability) {
  auto at = region_of(probability);
  if (at == none)
    return;
  ++regions_[at].served;
  ++served_;
}

void error_bound::verified(double probability, bool right) {
  auto at = region_of(probability);
  if (at == none)
    return;
  auto& x = regions_[at];
  auto was_open = x.open;
  ++x.verified;
  x.wrong += right ? 0 : 1;
  static const auto fade = std::exp2(-1 / half_life);
  x.samples = x.samples * fade + 1;
  x.errors = x.errors * fade + (right ? 0 : 1);
  if (!right && was_open)
    learn_of_error(at);
  else if (right && suspicion_left_ > 0 && at <= suspected_)
    --suspicion_left_;
  judge_again(x);
}

/// Of a region that served. In those that do not, errors are no news.
void error_bound::learn_of_error(size_t at) {
  if (suspicion_left_ == 0) { // it was a sample, and stands for those that were served
    auto share = std::max(verified_share(regions_[at].probability_min),
                          0.01); // one stands for no more than it can
    // Served until one is verified: a geometric distribution, its mean and variance.
    served_wrong_ += (1 - share) / share;
    served_wrong_variance_ += (1 - share) / (share * share);
    suspected_ = at;
  } else if (at <= suspected_) {
    // Not by chance: what was known holds no more, here and for what is less sure.
    for (size_t i = 0; i <= at; ++i) {
      regions_[i].samples = i == at ? 2 : 0;
      regions_[i].errors = regions_[i].samples;
      judge_again(regions_[i]);
    }
  } else {
    suspected_ = at;
  }
  suspicion_left_ = suspicion;
}

bound_evidence error_bound::evidence() const {
  bound_evidence result;
  for (auto& x : regions_)
    result.regions.push_back(x);
  result.served_wrong = served_wrong_;
  result.served_wrong_variance = served_wrong_variance_;
  result.suspicion_left = suspicion_left_;
  result.suspected = suspected_;
  return result;
}

bool error_bound::restore(const bound_evidence& x) {
  // Samples fade, so that they never sum up to more than this, or to what the prior was worth.
  static const auto samples_max = 1 / (1 - std::exp2(-1 / half_life));
  auto sound = x.regions.size() == regions_.size() && std::isfinite(x.served_wrong) &&
               std::isfinite(x.served_wrong_variance) && x.served_wrong_variance >= 0 &&
               x.served_wrong >= 0 && x.suspicion_left <= suspicion &&
               (x.suspicion_left == 0 || x.suspected < regions_.size());
  for (size_t i = 0; sound && i < regions_.size(); ++i) {
    auto& from = x.regions[i];
    auto most = std::max(samples_max, settings_.regions[i].samples) + 1;
    sound = from.wrong <= from.verified && from.errors >= 0 && from.errors <= from.samples &&
            from.samples <= most;
  }
  if (!sound)
    return false;
  served_ = 0;
  for (size_t i = 0; i < regions_.size(); ++i) {
    static_cast<region_evidence&>(regions_[i]) = x.regions[i];
    judge_again(regions_[i]);
    served_ += x.regions[i].served;
  }
  served_wrong_ = x.served_wrong;
  served_wrong_variance_ = x.served_wrong_variance;
  suspicion_left_ = x.suspicion_left;
  suspected_ = x.suspected;
  return true;
}

} // namespace sluice
