#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice {

/// Cuts a text into words as BERT's uncased models saw them in training: control characters
/// dropped, lower case, without accents (canonical decomposition less nonspacing marks), cut at
/// white space; each punctuation mark and each CJK ideograph is a word of its own. It is the
/// `BasicTokenizer` of github.com/google-research/bert (tokenization.py), with the categories of
/// `BertNormalizer` and `BertPreTokenizer` in Hugging Face's `tokenizers` where those differ.
///
/// Reads no further than asked, so who needs 256 tokens of a long text pays for their text only.
class word_splitter {
public:
  /// `text` is UTF-8 and must outlive this; bytes that are not UTF-8 are dropped.
  explicit word_splitter(std::string_view text) : rest_(text) {}

  /// Moves to the next word; false at the end of the text.
  bool next();

  /// The word, never empty after `next` was true. One of more than `characters_max` characters is
  /// cut there.
  std::string_view word() const { return word_; }

  /// Whether the word is longer than what a vocabulary is asked for.
  bool too_long() const { return characters_ > characters_max; }

  /// `max_input_chars_per_word` of the model's tokenizer.json.
  static constexpr size_t characters_max = 100;

private:
  bool refill();
  void append(int32_t code_point);

  std::string_view rest_;
  // What the last code point of the text became: canonical decompositions have at most four parts
  // (Unicode Standard Annex 15), and two more are the blanks around an ideograph.
  std::array<int32_t, 8> parts_{};
  size_t part_ = 0;
  size_t part_count_ = 0;
  std::string word_;
  size_t characters_ = 0;
};

} // namespace sluice
