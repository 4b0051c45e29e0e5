#include "actors/batching/batch_format.hpp"

#include "actors/batching/batch_format_chat.hpp"
#include "actors/batching/batch_format_group.hpp"
#include "actors/batching/batch_format_json.hpp"
#include "actors/batching/batch_format_list.hpp"

#include <algorithm>

namespace sluice {

std::optional<batch_terms> read_batch_terms(endpoint kind, const std::string& body, uint64_t seed) {
  auto fields = read_json_fields(body);
  if (!fields)
    return std::nullopt;
  std::ranges::sort(*fields, {}, &json_field::key);
  if (!plain_fields(*fields))
    return std::nullopt;
  switch (kind) {
  case endpoint::embeddings:
  case endpoint::completions: {
    auto list = read_list_terms(kind, *fields);
    if (!list)
      return std::nullopt;
    list->terms.group =
        group_of({list->token_ids ? "ids" : "text", inputs_key(kind), seed}, *fields);
    return list->terms;
  }
  case endpoint::chat_completions: {
    auto terms = read_chat_terms(*fields);
    if (terms)
      terms->group = group_of({"chat", {}, seed}, {{"model", sole_value(*fields, "model")}});
    return terms;
  }
  case endpoint::chat_batch:
    break;
  }
  return std::nullopt;
}

std::string join_requests(endpoint kind, const std::vector<const std::string*>& bodies) {
  if (bodies.empty())
    return {};
  if (bodies.size() == 1)
    return *bodies.front();
  if (kind == endpoint::embeddings || kind == endpoint::completions)
    return join_list_requests(kind, bodies);
  return join_chat_requests(bodies);
}

caf::expected<std::vector<batch_part>> split_reply(endpoint kind, const batch_reply_context& reply,
                                                   const std::vector<batch_terms>& members) {
  if (members.size() == 1) {
    batch_part part;
    part.body = reply.body;
    part.usage = reply.usage;
    part.usage_known = reply.usage_known;
    if (reply.usage_known && reply.price)
      if (auto amount = cost(reply.usage, *reply.price)) {
        part.cost = *amount;
        part.cost_known = true;
      }
    return std::vector<batch_part>{std::move(part)};
  }
  if (kind == endpoint::embeddings || kind == endpoint::completions)
    return split_list_reply(kind, reply, members);
  return split_chat_reply(reply, members);
}

} // namespace sluice
