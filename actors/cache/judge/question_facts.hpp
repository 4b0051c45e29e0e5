#pragma once

#include "actors/cache/encoder/sentence_encoder.hpp"
#include "actors/cache/judge/word_lists.hpp"

#include <caf/expected.hpp>

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// A word of a question as the judge compares it.
struct fact_word {
  std::string text; ///< a stem in its usual form; a number's digits
  word_kind kind = word_kind::plain;
  bool name = false; ///< written with a capital where a sentence does not ask for one
  bool known = true; ///< the encoder's vocabulary has it whole
  double value = 0;  ///< of a number
  uint8_t state = no_state;

  /// The place of a word that has no state.
  static constexpr uint8_t no_state = 255;

  bool operator==(const fact_word&) const = default;
};

/// A row of numbers in eight bits each, and what one of them stands for.
struct byte_row {
  static constexpr size_t width = sentence_encoder::width;
  float scale = 0;
  std::array<int8_t, width> codes{};

  bool operator==(const byte_row&) const = default;
};

/// What the judge keeps of a question: made once, stored with the answer, at most `bytes_max` as
/// bytes. A value; threads may share one.
struct question_facts {
  /// Words beyond this are not compared one by one, only by the vector: more than questions have.
  static constexpr size_t words_max = 48;
  /// States kept, 388 bytes each: what keeps the whole near 8 KB.
  static constexpr size_t states_max = 16;
  static constexpr size_t bytes_max = 8'400;
  /// Longer words are cut: nothing that is compared is longer.
  static constexpr size_t word_bytes_max = 24;

  uint64_t same_text = 0; ///< equal for texts that differ in case, blanks, marks and contractions
  bool cut = false;       ///< whether there were more words
  std::vector<fact_word> words;
  byte_row vector;
  std::vector<byte_row> states;

  bool operator==(const question_facts&) const = default;
};

/// `text` as it was encoded; words may come without states. Courtesies and spelling are looked
/// through, names are found by their capitals.
question_facts facts_of(std::string_view text, const encoded_text& encoded);

/// Bytes to store: a version, then everything little-endian. The same on every machine.
std::string to_bytes(const question_facts& facts);

/// The inverse. Error: `invalid_value` for what `to_bytes` of this version cannot have written.
caf::expected<question_facts> facts_from_bytes(std::string_view bytes);

/// The sum of the products of two rows' codes: a row with itself is its length squared.
int32_t dot(const byte_row& a, const byte_row& b);

/// The cosine of two rows from their products; 0 where one is all zeros.
double cosine_of(int32_t ab, int32_t aa, int32_t bb);

/// The cosine of two rows; 0 where one is all zeros.
double cosine(const byte_row& a, const byte_row& b);

/// The nearest row of bytes.
byte_row to_byte_row(std::span<const float> values);

} // namespace sluice
