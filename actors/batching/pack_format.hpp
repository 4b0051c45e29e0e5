#pragma once

#include "actors/batching/batch_format.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// How several questions become one prompt, and its reply an answer to each (prompt packing).
/// Functions of bytes, free of actors. What a caller said is never written anew but for its last
/// question, which becomes an item of a list; `docs/packing.md` shows a call.
namespace sluice {

/// A chat and whose it is: questions of two tenants never stand in one prompt.
struct pack_request {
  std::string_view tenant;
  const std::string& body;
};

/// Bytes of system prompt below which nothing is packed. Together with the instruction and the
/// schema, which are about 200 tokens, and with the JSON of the answers, a dozen tokens each that
/// cost four times as much, two questions save something from here on.
constexpr size_t pack_shared_bytes_min = 1'024;

/// Empty where the request must travel alone. What can be packed are messages of the system
/// followed by one question of the user, all of them text, and parameters that mean the same for
/// every answer; a field that is not known to is as good as a reason against it. The group's
/// requests are equal in all but the question. `seed` as in `read_batch_terms`.
std::optional<batch_terms> read_pack_terms(const pack_request& x, uint64_t seed = 0);

/// The body of one call for several requests of one group, in order; a single one as it is. Every
/// body has terms, as `read_pack_terms` found; otherwise empty.
std::string join_packed(const std::vector<const std::string*>& bodies);

/// Splits the reply into an answer for each member, an ordinary chat completion. A member whose
/// item is missing, is there twice or has no text has none: `why.code` is `upstream_bad_response`,
/// and its part of usage and cost stands all the same. A reply that broke off, or that has not the
/// form asked for, answers nobody. Usage and cost of the parts sum to the call's.
std::vector<batch_part> split_packed(const batch_reply_context& reply,
                                     const std::vector<batch_terms>& members);

} // namespace sluice
