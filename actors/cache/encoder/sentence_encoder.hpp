#pragma once

#include "actors/cache/encoder/encoder_precision.hpp"

#include <caf/expected.hpp>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// Vectors of several texts, one after the other.
struct embedding_matrix {
  size_t width = 0;
  std::vector<float> values; ///< rows × width

  size_t rows() const { return width == 0 ? 0 : values.size() / width; }
  std::span<const float> row(size_t i) const { return {values.data() + i * width, width}; }
};

/// A word of a text as the model saw it.
struct encoded_word {
  std::string text;         ///< lower case, without accents; a punctuation mark is a word
  size_t pieces = 0;        ///< of the vocabulary; more than one for a word that it lacks
  std::vector<float> state; ///< the mean of the pieces' last states, of length 1
};

/// A text's vector and the words of its first `tokens_max` tokens.
struct encoded_text {
  std::vector<float> vector;
  std::vector<encoded_word> words;
};

/// all-MiniLM-L6-v2 (huggingface.co/sentence-transformers/all-MiniLM-L6-v2): texts to vectors of
/// length 1 whose dot product says how close the meanings are. BERT with six layers (Devlin et al.
/// 2018, arXiv:1810.04805), the mean over the tokens' last states, divided by its length. Times and
/// accuracy stand in docs/encoder.md.
///
/// Immutable: threads may share one, each with a `workspace` of its own. A call runs on the
/// caller's thread alone, and takes milliseconds: not for a loop's thread.
class sentence_encoder {
public:
  /// What a thread's calls use and leave for the next: at most 10 MB.
  class workspace {
  public:
    workspace();
    ~workspace();
    workspace(workspace&&) noexcept;
    workspace& operator=(workspace&&) noexcept;

  private:
    friend class sentence_encoder;
    struct memory;
    std::unique_ptr<memory> memory_;
  };

  /// Numbers a vector.
  static constexpr size_t width = 384;

  /// Tokens of a text that count, with the two around it; what follows is left out. It is
  /// `max_seq_length` of the model's sentence_bert_config.json.
  static constexpr size_t tokens_max = 256;

  /// Reads `model.safetensors` and `vocab.txt` in `folder`, which scripts/install_model.sh fills;
  /// takes some 0.3 s and 100 MB. Errors: `io_failed` where a file cannot be read,
  /// `bad_configuration` where it is not the model's, `internal` where oneDNN fails.
  /// Where the processor cannot add bytes exactly and fast, `int8` becomes `fp32`.
  static caf::expected<std::unique_ptr<sentence_encoder>>
  load(const std::filesystem::path& folder, encoder_precision wanted = encoder_precision::fp32);

  ~sentence_encoder();
  sentence_encoder(const sentence_encoder&) = delete;
  sentence_encoder& operator=(const sentence_encoder&) = delete;

  /// A row for each of `texts` (UTF-8; an empty text has a vector, too). Neighbours change a row by
  /// rounding alone, below 1e-5. Error: `internal` where oneDNN or memory fails, or where the
  /// weights give no vector of finite length.
  caf::expected<embedding_matrix> encode(std::span<const std::string_view> texts,
                                         workspace& space) const;

  /// The same vectors with the words' states, in the order of `texts`. The states of a text take
  /// 1.5 KB a word, so this is for who reads them at once. Errors are those of `encode`.
  caf::expected<std::vector<encoded_text>> encode_words(std::span<const std::string_view> texts,
                                                        workspace& space) const;

  /// What `load` chose.
  encoder_precision precision() const;

  /// How many tokens `text` takes, at most `tokens_max`: what the time of `encode` depends on.
  size_t token_count(std::string_view text) const;

private:
  struct model;
  explicit sentence_encoder(std::unique_ptr<const model> x);
  std::unique_ptr<const model> model_;
};

} // namespace sluice
