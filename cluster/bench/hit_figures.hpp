#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace sluice {

/// A pair as a cache sees it: how sure it is, and whether serving would be right.
struct scored_pair {
  double score = 0;
  bool right = false;
  std::string category; ///< empty where the file has none
};

/// The area under the curve of hits over false hits: the chance that a right pair scores above a
/// wrong one, ties counting half (Mann and Whitney 1947). 0.5 where one kind is missing.
double area_under_curve(std::span<const scored_pair> pairs);

/// The greatest share of all pairs that can be served, best scores first, with at most `error` of
/// the served wrong. Pairs of one score are served together or not at all.
double hit_share_at(std::span<const scored_pair> pairs, double error);

struct served_share {
  double hit_rate = 0;   ///< served of all
  double error_rate = 0; ///< wrong of the served; 0 where none is
};
served_share served_at(std::span<const scored_pair> pairs, double threshold);

/// Of a category's wrong pairs the share that `threshold` serves. Categories without wrong pairs,
/// and the empty name, are not there.
std::map<std::string, double> wrongly_served(std::span<const scored_pair> pairs, double threshold);

} // namespace sluice
