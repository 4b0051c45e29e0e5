#pragma once

#include "runtime/messages.hpp"

#include <cstdint>
#include <vector>

namespace sluice {

/// How often keys have been asked for lately, in four bits each: a count-min sketch with four
/// counters a key, halved now and then so that old fame fades.
/// Source: Einziger, Friedman and Manes, "TinyLFU: A Highly Efficient Cache Admission Policy",
/// ACM Transactions on Storage 13(4), 2017.
class frequency_sketch {
public:
  /// For a cache of so many entries.
  explicit frequency_sketch(uint64_t entries);

  void add(const fingerprint& key);
  /// 0 to 15; rather too much than too little.
  uint32_t estimate(const fingerprint& key) const;

private:
  static constexpr uint32_t rows = 4;
  static constexpr uint32_t count_max = 15;

  /// Place of a key's counter in a row: word and shift.
  struct place {
    size_t word;
    uint32_t shift;
  };
  place at(const fingerprint& key, uint32_t row) const;
  void halve();

  std::vector<uint64_t> words_; ///< sixteen counters each
  uint64_t mask_;
  uint64_t added_ = 0;
  uint64_t sample_; ///< additions after which all is halved
};

} // namespace sluice
