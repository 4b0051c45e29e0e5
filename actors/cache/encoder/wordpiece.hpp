#pragma once

#include <caf/expected.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sluice {

/// WordPiece with an uncased BERT vocabulary: text to the numbers that the model was trained on,
/// the same as Hugging Face's `tokenizers` gives with the model's tokenizer.json (what may differ
/// are characters that came with Unicode 9 or later; docs/encoder.md has the count). Algorithm:
/// Wu et al. 2016, arXiv:1609.08144, section 4.1, greedy longest match. Immutable, so any number of
/// threads may share one.
class wordpiece {
public:
  /// Reads `vocabulary`, a vocab.txt: a piece a line, its number the line's, from 0. Errors:
  /// `io_failed` where it cannot be read, `bad_configuration` where it is not such a file.
  static caf::expected<wordpiece> load(const std::filesystem::path& vocabulary);

  /// [CLS], the pieces of `text`, [SEP]; what is beyond `tokens_max` in all is left out.
  /// `tokens_max` is at least 2. The names of special tokens in `text`, such as "[SEP]", become
  /// those tokens, as in the reference.
  std::vector<int32_t> encode(std::string_view text, size_t tokens_max) const;

  /// A word of a text, lower-cased and without accents, and the tokens that it became.
  struct spelled_word {
    std::string text;
    size_t first = 0; ///< place in what `encode` returned
    size_t count = 0;
  };

  /// The same, and appends to `words` every word or mark of which at least a token is returned.
  /// Special tokens are none.
  std::vector<int32_t> encode(std::string_view text, size_t tokens_max,
                              std::vector<spelled_word>& words) const;

  /// The number of pieces.
  size_t size() const { return numbers_.size(); }

private:
  struct hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  struct special_tokens {
    int32_t unknown = 0;
    int32_t begin = 0;
    int32_t end = 0;
  };

  wordpiece() = default;
  int32_t find(std::string_view piece) const;
  std::vector<int32_t> encode(std::string_view text, size_t tokens_max,
                              std::vector<spelled_word>* words) const;
  void add_text(std::string_view text, size_t tokens_max, std::vector<int32_t>& out,
                std::vector<spelled_word>* words) const;
  void add_word(std::string_view word, std::vector<int32_t>& out) const;

  std::unordered_map<std::string, int32_t, hash, std::equal_to<>> numbers_;
  special_tokens special_;
};

} // namespace sluice
