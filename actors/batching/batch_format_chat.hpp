#pragma once

#include "actors/batching/batch_format.hpp"
#include "actors/batching/batch_format_json.hpp"

/// Several chats in one call, `endpoint::chat_batch`. The form is described in `docs/simulator.md`:
/// the simulator serves it.
namespace sluice {

/// As `read_batch_terms`, but for the group, which is the model's.
std::optional<batch_terms> read_chat_terms(const json_fields& fields);

/// As `join_requests`, of two and more.
std::string join_chat_requests(const std::vector<const std::string*>& bodies);

/// As `split_reply`, for two members and more.
caf::expected<std::vector<batch_part>> split_chat_reply(const batch_reply_context& reply,
                                                        const std::vector<batch_terms>& members);

} // namespace sluice
