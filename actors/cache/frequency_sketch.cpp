#include "actors/cache/frequency_sketch.hpp"

#include <algorithm>
#include <bit>

namespace sluice {

namespace {

/// Eight counters an entry or, as the words are a power of two, up to sixteen. Of the hit ratios
/// that `tiny_lfu_test` prints, of 0.686 and 0.642, twice as many add 0.004; half as many take
/// 0.005 and 0.009, and with them a scan flushes what the test says has to stay.
constexpr uint64_t entries_per_word = 2;

/// The paper's choice: long enough to see what is popular, short enough to forget it.
constexpr uint64_t sample_per_entry = 10;

} // namespace

frequency_sketch::frequency_sketch(uint64_t entries)
    : words_(std::bit_ceil(std::max<uint64_t>(8, entries / entries_per_word))),
      mask_(words_.size() - 1), sample_(std::max<uint64_t>(64, entries * sample_per_entry)) {}

frequency_sketch::place frequency_sketch::at(const fingerprint& key, uint32_t row) const {
  // Fingerprints are hashes already; each row takes other bits of them.
  auto bits = std::rotl(key.low, static_cast<int>(row * 16)) + key.high * (2 * row + 1);
  return {static_cast<size_t>((bits >> 8) & mask_), static_cast<uint32_t>(bits & 15) * 4};
}

void frequency_sketch::add(const fingerprint& key) {
  auto grew = false;
  for (uint32_t row = 0; row < rows; ++row) {
    auto [word, shift] = at(key, row);
    if (((words_[word] >> shift) & count_max) < count_max) {
      words_[word] += uint64_t{1} << shift;
      grew = true;
    }
  }
  if (grew && ++added_ >= sample_)
    halve();
}

uint32_t frequency_sketch::estimate(const fingerprint& key) const {
  auto least = count_max;
  for (uint32_t row = 0; row < rows; ++row) {
    auto [word, shift] = at(key, row);
    least = std::min(least, static_cast<uint32_t>((words_[word] >> shift) & count_max));
  }
  return least;
}

void frequency_sketch::halve() {
  constexpr uint64_t without_high_bits = 0x7777777777777777;
  for (auto& x : words_)
    x = (x >> 1) & without_high_bits;
  added_ /= 2;
}

} // namespace sluice
