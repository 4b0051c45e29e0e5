#pragma once

#include "actors/batching/batch_format.hpp"
#include "actors/batching/batch_format_json.hpp"

/// Endpoints that take a list of inputs and reply with a list: embeddings and completions.
namespace sluice {

/// The field that holds the inputs, "input" or "prompt".
std::string_view inputs_key(endpoint kind);

/// The inputs of a request, and whether they are token ids, which cannot be joined with texts.
struct list_terms {
  batch_terms terms; ///< without its group
  bool token_ids = false;
};

/// As `read_batch_terms`, but for the group.
std::optional<list_terms> read_list_terms(endpoint kind, const json_fields& fields);

/// As `join_requests`, of two and more.
std::string join_list_requests(endpoint kind, const std::vector<const std::string*>& bodies);

/// As `split_reply`, for two members and more.
caf::expected<std::vector<batch_part>> split_list_reply(endpoint kind,
                                                        const batch_reply_context& reply,
                                                        const std::vector<batch_terms>& members);

} // namespace sluice
