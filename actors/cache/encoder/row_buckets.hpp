#pragma once

#include <cstddef>
#include <vector>

namespace sluice {

/// A matrix product is compiled for its number of rows, which takes a millisecond, so rows are
/// rounded up to one of 20 numbers, all compiled when the model is loaded. What is rounded costs
/// at most an eighth above 32 rows; below, time goes into reading the weights anyway.
namespace row_buckets {

/// The tokens of the longest text, `max_seq_length` of the model's sentence_bert_config.json. More
/// rows make a product no faster a row: from 64 on it is the same within two percent.
inline constexpr size_t rows_max = 256;

/// Between a number of rows and the next above it in the list.
constexpr size_t step(size_t rows) {
  if (rows < 32)
    return 4;
  if (rows < 64)
    return 8;
  return rows < 128 ? 16 : 32;
}

/// The smallest number in the list that is at least `rows`, which is from 1 to `rows_max`.
constexpr size_t round_up(size_t rows) {
  auto width = step(rows - 1);
  return (rows + width - 1) / width * width;
}

/// Where the number `round_up(rows)` stands in the list.
constexpr size_t index(size_t rows) {
  size_t result = 0;
  for (auto x = round_up(1); x < rows; x += step(x))
    ++result;
  return result;
}

/// All of them, ascending.
inline std::vector<size_t> list() {
  std::vector<size_t> result;
  for (auto x = round_up(1); x <= rows_max; x += step(x))
    result.push_back(x);
  return result;
}

} // namespace row_buckets
} // namespace sluice
