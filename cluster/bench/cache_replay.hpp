#pragma once

#include "actors/cache/semantic/error_bound.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace sluice {

/// What L2 would answer to a question, and whether that is right by the labels of a file.
struct replay_row {
  double probability = 0; ///< the judge's
  bool right = false;
  size_t source = 0; ///< file that it is from
};

struct replay_options {
  double error_rate_max = 0.01;
  std::vector<region_prior> regions; ///< as a node has them: `judge_priors`
  size_t orders = 10;                ///< of each kind
  uint64_t seed = 1;                 ///< of the first order; the next has the next
  size_t repeat = 1;                 ///< how often each row comes
  bool drift = false;                ///< also where the questions change
  bool adversarial = false;          ///< also where somebody waits to be trusted
};

/// One order of the rows. It holds where the error rate that was observed is within the bound as
/// far as its interval of 95 % can tell: where the interval begins below it.
struct replay_order {
  uint64_t seed = 0;
  size_t rows = 0;
  size_t served = 0;
  size_t wrong = 0; ///< of the served
  double rate = 0;
  double rate_from = 0;
  double rate_to = 1;
  bool held = true;
};

/// Kinds of orders:
/// - random: all rows, shuffled.
/// - runs: right and wrong rows come by turns in runs of one to some hundred, as when a subject is
///   asked about that the judge does not understand.
/// - drift, of several files: the one with the least share of wrong rows first, shuffled within
/// each.
/// - adversarial: who asks sees all that the bound knows. Right rows until one of the regions that
///   there are wrong rows for is open, some more (0 to 2,000, by the seed) until little is looked
///   at, then wrong ones until it is closed, and so on; what is left comes in the end.
struct replay_kind {
  std::string name;
  std::vector<replay_order> orders;
  size_t held() const;
};

struct cache_replay_report {
  double error_rate_max = 0;
  size_t rows = 0;     ///< would-be hits, at or above the lowest region
  size_t rows_all = 0; ///< with those below
  size_t wrong = 0;    ///< of `rows`
  size_t repeat = 1;
  std::vector<replay_kind> kinds;
};

/// Plays rows to an error bound as L2 does: what it lets be served is served, all else that is not
/// unlikely is verified. That L2 gives up an entry that was wrong once is left out, so that only
/// the bound stands between a wrong row and its answer, and a row that is repeated is a new one.
cache_replay_report replay_rows(const std::vector<replay_row>& rows, const replay_options& options);

/// For people.
std::string to_text(const cache_replay_report& x);

/// One object; what its keys mean stands in docs/benchmarks.md.
std::string to_json(const cache_replay_report& x);

} // namespace sluice
