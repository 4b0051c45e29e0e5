#pragma once

#include "runtime/actors.hpp"
#include "runtime/json_names.hpp"
#include "runtime/tokens/tokenizer.hpp"

#include <string>
#include <string_view>

namespace sluice {

/// Counts the tokens of an answer while it comes, and seldom: as long as its bytes are no more than
/// the tokens that are asked about there is nothing to count.
class output_counter {
public:
  explicit output_counter(token_encoding encoding) : encoding_(encoding) {}

  void add(std::string_view text);
  /// The texts in a message, or a part of one, but for what is no output: roles, numbers of calls.
  void add(const simdjson::dom::element& message);

  /// Of all that was added.
  int64_t count();
  bool beyond(int64_t tokens);

private:
  std::string text_;       ///< the last part
  int64_t counted_ = 0;    ///< tokens of the parts before
  int64_t known_ = 0;      ///< tokens of `text_` when it was counted last
  size_t known_bytes_ = 0; ///< what it was then
  token_encoding encoding_;
};

/// That of the model that is called.
token_encoding encoding_of(const upstream_call& call);

/// Tokens that a request to an endpoint has as input, as OpenAI counts them: of a chat, the texts
/// of its messages and what stands between them, and its tools as JSON. Images count as a usual
/// one; of texts beyond 64 KiB four bytes count as a token. Zero where `body` is no JSON object.
int64_t count_input(endpoint kind, std::string_view body, token_encoding encoding);

/// What `call` used where its provider does not tell.
token_usage counted_usage(const upstream_call& call, int64_t output_tokens);

/// Tokens that an answer without usage has as output.
int64_t count_output(const simdjson::dom::object& reply, token_encoding encoding);

} // namespace sluice
