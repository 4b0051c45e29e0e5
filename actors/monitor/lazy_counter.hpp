#pragma once

#include "actors/monitor/metric_families.hpp"

#include <utility>

namespace sluice {

/// A counter that stands among the metrics from its first use on, so that what is off shows
/// nothing. It is looked up once: `Family::Add` builds a map of strings, hashes it and takes a
/// lock. For labels that are known beforehand; `label_table.hpp` is for those that requests bring.
class lazy_counter {
public:
  explicit lazy_counter(counter_family& family, prometheus::Labels labels = {})
      : family_(family), labels_(std::move(labels)) {}

  void add(double count = 1) {
    if (!counter_)
      counter_ = &family_.Add(labels_);
    counter_->Increment(count);
  }

private:
  counter_family& family_;
  prometheus::Labels labels_;
  prometheus::Counter* counter_ = nullptr; ///< of the family, which outlives this
};

} // namespace sluice
