#pragma once

#include "api/gateway/merge_rules.hpp"
#include "runtime/messages.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

/// What Sluice needs to know of a request in OpenAI's format. Everything else passes through
/// unread.
struct inference_request {
  endpoint kind = endpoint::chat_completions;
  std::string model;
  bool stream = false;
  bool include_usage = false; ///< stream_options.include_usage
  int64_t output_tokens_max =
      0; ///< max_completion_tokens or max_tokens, times n; 0 where not limited
  int64_t input_tokens =
      0; ///< estimated at four bytes of JSON a token, OpenAI's rule of thumb for English
  int64_t choices = 1;                     ///< n: answers wanted
  urgency patience = urgency::interactive; ///< `flexible` where service_tier is "flex"
  packing pack = packing::denied;          ///< said by header or model, not by the body
  merge_terms merge;                       ///< where rules were given; otherwise nothing is shared
};

struct request_reading {
  inference_request request;
  std::optional<failure>
      refusal; ///< invalid_json, missing_field or invalid_value, naming the field and the place
};

/// The most that an answer may have, said where the caller did not.
struct answer_limit {
  std::string_view field; ///< a literal
  int64_t tokens = 0;     ///< 0 for none
};

/// Reads and rewrites request bodies. Keeps its parsers' memory between requests; one a loop, not
/// thread-safe.
class request_reader {
public:
  request_reader();
  ~request_reader();

  /// Reads `body`, whose memory may be given more room. A field that Sluice reads and that stands
  /// twice is refused: two readers could choose differently. With `rules` it says what the request
  /// may share.
  request_reading read(endpoint kind, std::string& body, const merge_rules* rules = nullptr);

  /// A body for the upstream: with `model` in place of the model's name and, where `ask_usage`,
  /// with `stream_options.include_usage` set; with `limit`, where the body has none. Everything
  /// else stays byte for byte. `body` has been read before.
  std::string rewrite(const std::string& body, std::string_view model, bool ask_usage,
                      const answer_limit& limit = {});

private:
  struct parsers;
  std::unique_ptr<parsers> parsers_;
};

} // namespace sluice
