#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace sluice {

/// OpenAI's vocabularies.
enum class token_encoding : uint8_t {
  cl100k_base, ///< GPT-3.5, GPT-4, text-embedding-3 and -ada-002
  o200k_base,  ///< GPT-4o and what came after it
};

/// The encoding of a model by its provider's name for it. Models of other makers have vocabularies
/// of their own; `o200k_base` stands for them, which is near enough to estimate with and no bill.
token_encoding token_encoding_of(std::string_view upstream_model);

/// Counts tokens as OpenAI's models do: a text is cut into pieces by a pattern, and the bytes of
/// each piece are joined pair by pair, the pair of the lowest rank first (byte pair encoding;
/// Sennrich et al. 2016, arXiv:1508.07909). Special tokens such as "<|endoftext|>" are text like
/// any other, as in what callers send. Immutable; threads may share one.
class tokenizer {
public:
  /// Shared by the process. The first call for an encoding takes some 50 ms and 8 MB.
  static const tokenizer& of(token_encoding encoding);

  ~tokenizer();
  tokenizer(const tokenizer&) = delete;
  tokenizer& operator=(const tokenizer&) = delete;

  /// Tokens of `text`, in UTF-8; a byte that is none counts as the tokens of that byte. About 15 MB
  /// a second of usual text, and no text takes more than n log n.
  size_t count(std::string_view text) const;
  /// The tokens themselves.
  std::vector<uint32_t> encode(std::string_view text) const;

private:
  struct tables;
  explicit tokenizer(std::unique_ptr<const tables> x);
  std::unique_ptr<const tables> tables_;
};

/// Tokens of a chat beside those of its texts: what begins and ends each message, and what begins
/// the answer (OpenAI's cookbook, "How to count tokens with tiktoken").
inline constexpr size_t tokens_of_message = 3;
inline constexpr size_t tokens_of_reply = 3;

} // namespace sluice
