#include "actors/batching/batch_format_chat.hpp"

#include "actors/batching/batch_format_usage.hpp"
#include "actors/batching/share_out.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace sluice {

namespace {

/// What a token of text has on average in English, as providers tell their users.
constexpr size_t bytes_per_token = 4;

/// One of the `data` of a reply.
struct chat_entry {
  int64_t status = 0;
  std::string_view body;
  bool error = false;               ///< the body is an error whatever the status, as vLLM has it
  std::optional<token_usage> usage; ///< as the body says

  bool answered() const { return status / 100 == 2 && !error; }
};

/// As for a reply of its own with this status (`api/upstream/failure_of`): 408 and 409 are passing
/// troubles, 429 is a limit, the rest of 4xx is the request's own fault.
ec code_of_status(int64_t status) {
  if (status == 429)
    return ec::upstream_rate_limited;
  if (status == 408 || status == 409 || status >= 500)
    return ec::upstream_failed;
  return status >= 400 ? ec::upstream_rejected : ec::upstream_bad_response;
}

std::string text_of(const nlohmann::json& object, const char* key) {
  auto i = object.find(key);
  return i != object.end() && i->is_string() ? i->get<std::string>() : std::string{};
}

failure failure_of_entry(const chat_entry& x) {
  failure why;
  why.code = x.error ? ec::upstream_failed : code_of_status(x.status);
  why.upstream_status = static_cast<int32_t>(x.status);
  auto parsed = nlohmann::json::parse(x.body, nullptr, false);
  if (parsed.is_object() && parsed.contains("error") && parsed["error"].is_object()) {
    const auto& error = parsed["error"];
    why.message = text_of(error, "message");
    why.param = text_of(error, "param");
    // OpenAI's word for a quota that is used up: waiting does not help, another deployment may.
    why.should_retry_said = text_of(error, "code") == "insufficient_quota";
    why.upstream_body = x.body;
  }
  if (why.message.empty())
    why.message = "The upstream replied with status " + std::to_string(x.status) + ".";
  if (x.status == 401 || x.status == 403) {
    // Its words may quote our key.
    why.message = "The upstream refused this gateway's credentials.";
    why.upstream_body.clear();
  }
  return why;
}

std::optional<chat_entry> read_entry(const json_fields& fields) {
  chat_entry result;
  auto status = read_json_count(sole_value(fields, "status"));
  result.body = sole_value(fields, "body");
  if (!status || *status < 100 || *status > 599 || !result.body.starts_with('{'))
    return std::nullopt;
  result.status = *status;
  if (!result.answered())
    return result;
  auto body = read_json_fields(result.body);
  if (!body)
    return std::nullopt;
  result.error = !is_default(*body, "error", {});
  result.usage = read_usage(sole_value(*body, "usage"));
  return result;
}

/// The entries in the order of their indices; empty where they are not one for each member.
std::optional<std::vector<chat_entry>> read_entries(const std::string& body, size_t members) {
  auto whole = read_json_fields(body);
  auto data = whole ? read_json_objects(sole_value(*whole, "data")) : std::nullopt;
  if (!data || data->size() != members)
    return std::nullopt;
  std::vector<chat_entry> result(members);
  for (const auto& fields : *data) {
    auto index = read_json_count(sole_value(fields, "index"));
    auto entry = read_entry(fields);
    if (!index || static_cast<uint64_t>(*index) >= members || !entry)
      return std::nullopt;
    auto& slot = result[static_cast<size_t>(*index)];
    if (slot.status != 0)
      return std::nullopt;
    slot = *entry;
  }
  return result;
}

/// The members' parts of the call's usage. What each entry says of itself is taken; where one says
/// nothing, the estimates of the inputs stand for all. Empty where nobody knows.
std::optional<std::vector<token_usage>> usage_of(const batch_reply_context& reply,
                                                 const std::vector<chat_entry>& entries,
                                                 const std::vector<batch_terms>& members) {
  bool each_says =
      std::ranges::all_of(entries, [](auto& x) { return x.usage.has_value() || !x.answered(); });
  if (!reply.usage_known && !each_says)
    return std::nullopt;
  std::vector<token_usage> weights;
  std::vector<int64_t> tokens;
  for (size_t i = 0; i < entries.size(); ++i) {
    auto estimate = entries[i].answered() ? members[i].tokens : 0;
    tokens.push_back(estimate);
    if (each_says)
      weights.push_back(entries[i].usage.value_or(token_usage{}));
    else
      weights.push_back({estimate, estimate, estimate, estimate, estimate});
  }
  return reply.usage_known ? share_usage(reply.usage, weights, tokens) : weights;
}

} // namespace

std::optional<batch_terms> read_chat_terms(const json_fields& fields) {
  auto messages = sole_value(fields, "messages");
  if (!messages.starts_with('[') || sole_value(fields, "model").empty() ||
      !is_default(fields, "stream", {"false"}))
    return std::nullopt;
  batch_terms result;
  result.tokens = static_cast<int64_t>(std::max<size_t>(messages.size() / bytes_per_token, 1));
  return result;
}

std::string join_chat_requests(const std::vector<const std::string*>& bodies) {
  auto first = read_json_fields(*bodies.front());
  auto model = first ? sole_value(*first, "model") : std::string_view{};
  if (model.empty())
    return {};
  std::string result = "{";
  append_json_field(result, "model", model);
  append_json_field(result, "requests", "[");
  for (size_t i = 0; i < bodies.size(); ++i)
    result.append(i == 0 ? "" : ",").append(*bodies[i]);
  return result + "]}";
}

caf::expected<std::vector<batch_part>> split_chat_reply(const batch_reply_context& reply,
                                                        const std::vector<batch_terms>& members) {
  auto entries = read_entries(reply.body, members.size());
  if (!entries)
    return make_error(ec::upstream_bad_response,
                      "The upstream's reply to a batch does not have an answer for each chat.");
  auto usages = usage_of(reply, *entries, members);
  auto costs = usages && reply.price ? share_cost(*usages, *reply.price) : std::nullopt;
  std::vector<batch_part> result(members.size());
  for (size_t i = 0; i < result.size(); ++i) {
    const auto& entry = (*entries)[i];
    auto& part = result[i];
    part.usage_known = usages.has_value();
    part.cost_known = costs.has_value();
    if (usages)
      part.usage = (*usages)[i];
    if (costs)
      part.cost = (*costs)[i];
    if (entry.answered())
      part.body = entry.body;
    else
      part.why = failure_of_entry(entry);
  }
  return result;
}

} // namespace sluice
