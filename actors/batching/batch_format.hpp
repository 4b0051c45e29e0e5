#pragma once

#include "runtime/messages.hpp"
#include "runtime/money.hpp"

#include <caf/expected.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// How requests become one upstream call, and its reply theirs again. Functions of bytes, free of
/// actors. A caller's JSON and an upstream's are spliced and never written anew: no number, no
/// unknown field and no vector changes on the way.
namespace sluice {

/// What one request brings to a batch.
struct batch_terms {
  fingerprint group;    ///< requests that may share a call: equal in everything but their inputs
                        ///< (model, every parameter, `user` too); of chats in the model alone
  uint32_t inputs = 1;  ///< inputs (embeddings) or prompts (completions) or chats (1)
  int64_t tokens = 0;   ///< estimate: bytes/4 of the inputs' text (token ids: their count), at
                        ///< least 1 an input
  uint32_t answers = 1; ///< to each input: `n` of completions, of which a reply has a choice each
  int64_t shared_tokens = 0; ///< estimate of what all of a group have in common, once in a call
  int64_t output_tokens = 0; ///< that it adds to the call's limit of output; 0 without a limit

  friend bool operator==(const batch_terms&, const batch_terms&) = default;
};

/// Empty where the request must travel alone: a stream, inputs that cannot be joined (none, empty,
/// of mixed forms), `echo` or `best_of`, whose tokens cannot be told apart, a body that is no JSON
/// object, or one whose field names are escaped or stand twice. The body has been validated where
/// it came in: broken JSON may be found joinable, and would break the call for its neighbours.
/// `seed` is the hash's: who does not know it cannot make a request that falls into the group of
/// others, and lends them its parameters.
std::optional<batch_terms> read_batch_terms(endpoint kind, const std::string& body,
                                            uint64_t seed = 0);

/// The body of one upstream call for requests of one group, in order. `kind` is the members'
/// endpoint; several chats become a call of `endpoint::chat_batch`. A single body is returned as it
/// is, for the ordinary path. Every body has terms, as `read_batch_terms` found; otherwise empty.
std::string join_requests(endpoint kind, const std::vector<const std::string*>& bodies);

/// One member's part of a reply.
struct batch_part {
  std::string body; ///< the reply as if the request had travelled alone; empty where it failed
  token_usage usage;
  bool usage_known = false;
  nanousd cost;
  bool cost_known = false;
  failure why;             ///< `why.code` is `none` where it is an answer
  int64_t input_saved = 0; ///< of a packed call: input tokens less than alone, as estimated
};

/// The upstream's whole reply to a joined request.
struct batch_reply_context {
  const std::string& body; ///< valid JSON, as every `upstream_reply` has been found to be
  const token_usage& usage;
  bool usage_known;
  std::optional<token_price> price;
};

/// Splits a whole reply into the members' own. Usage and cost of the parts sum to the call's.
/// `kind` as in `join_requests`; the reply to a single member is its own, unread. Fails with
/// `upstream_bad_response` where the reply does not hold exactly what was asked (wrong count, an
/// index twice, missing, out of range).
caf::expected<std::vector<batch_part>> split_reply(endpoint kind, const batch_reply_context& reply,
                                                   const std::vector<batch_terms>& members);

} // namespace sluice
