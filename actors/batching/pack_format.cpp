#include "actors/batching/pack_format.hpp"

#include "actors/batching/batch_format_group.hpp"
#include "actors/batching/batch_format_json.hpp"
#include "runtime/pack_prompt.hpp"

#include <algorithm>
#include <array>

namespace sluice {

namespace {

using std::string_view;

/// What a token of text has on average in English, as providers tell their users.
constexpr size_t bytes_per_token = 4;

/// Tokens that an answer's place in the JSON takes, and what escaping adds at most: every fourth
/// token is a quote, a line's end or a backslash only in answers that are JSON or code themselves.
constexpr int64_t item_output_tokens = 16;
constexpr int64_t escape_share = 4;

/// Limits that nobody means as one; below it sums stay within 64 bits.
constexpr int64_t output_tokens_max = int64_t{1} << 31;

/// Fields that mean the same for a list of answers as for one, whatever their value.
constexpr std::array<string_view, 16> common_fields{"model",
                                                    "messages",
                                                    "temperature",
                                                    "top_p",
                                                    "max_tokens",
                                                    "max_completion_tokens",
                                                    "presence_penalty",
                                                    "frequency_penalty",
                                                    "user",
                                                    "metadata",
                                                    "service_tier",
                                                    "reasoning_effort",
                                                    "verbosity",
                                                    "safety_identifier",
                                                    "prompt_cache_key",
                                                    "prompt_cache_retention"};

/// Fields that may be there with a value that changes nothing.
struct idle_field {
  string_view name;
  string_view value;
};
constexpr std::array<idle_field, 5> idle_fields{{{"n", "1"},
                                                 {"stream", "false"},
                                                 {"logprobs", "false"},
                                                 {"store", "false"},
                                                 {"parallel_tool_calls", "true"}}};

bool is_plain_text_format(string_view value) {
  auto fields = read_json_fields(value);
  return fields && fields->size() == 1 && sole_value(*fields, "type") == "\"text\"";
}

bool may_be_packed(const json_field& x) {
  if (x.value == "null" || std::ranges::find(common_fields, x.key) != common_fields.end())
    return true;
  if (x.key == "response_format")
    return is_plain_text_format(x.value);
  return std::ranges::any_of(
      idle_fields, [&](auto& idle) { return x.key == idle.name && x.value == idle.value; });
}

/// The text of a message's content, which is a string or a list of parts of text.
std::optional<std::string> text_of(string_view content) {
  if (content.starts_with('"'))
    return read_json_text(content);
  auto parts = read_json_objects(content);
  if (!parts || parts->empty())
    return std::nullopt;
  std::string result;
  for (const auto& part : *parts) {
    auto text = read_json_text(sole_value(part, "text"));
    if (part.size() != 2 || sole_value(part, "type") != "\"text\"" || !text)
      return std::nullopt;
    result.append(result.empty() ? "" : "\n").append(*text);
  }
  return result;
}

/// A chat as it can be packed; views are into its body.
struct packable {
  json_fields fields;
  std::vector<string_view> shared; ///< messages before the question
  string_view last_content;        ///< of the last of them
  size_t shared_bytes = 0;         ///< of their text
  std::string question;
  string_view limit_name; ///< of the field that limits the output; empty where none does
  int64_t limit = 0;
};

/// Takes in one message; false where it cannot be packed.
bool add_message(packable& to, string_view message, bool last) {
  auto fields = read_json_fields(message);
  if (!fields || fields->size() != 2)
    return false;
  auto role = sole_value(*fields, "role");
  auto content = sole_value(*fields, "content");
  auto text = text_of(content);
  if (!text || text->empty())
    return false;
  if (last) {
    to.question = std::move(*text);
    return role == "\"user\"";
  }
  to.shared.push_back(message);
  to.last_content = content;
  to.shared_bytes += text->size();
  return role == "\"system\"" || role == "\"developer\"";
}

bool read_limit(packable& to) {
  for (auto name : {"max_tokens", "max_completion_tokens"}) {
    if (is_default(to.fields, name, {}))
      continue;
    auto limit = read_json_count(sole_value(to.fields, name));
    if (!to.limit_name.empty() || !limit || *limit < 1 || *limit >= output_tokens_max)
      return false;
    to.limit_name = name;
    to.limit = *limit;
  }
  return true;
}

std::optional<packable> read_packable(string_view body) {
  auto fields = read_json_fields(body);
  if (!fields || !std::ranges::all_of(*fields, may_be_packed))
    return std::nullopt;
  packable result;
  result.fields = std::move(*fields);
  auto messages = read_json_items(sole_value(result.fields, "messages"));
  if (!messages || messages->size() < 2 || sole_value(result.fields, "model").empty())
    return std::nullopt;
  for (const auto& x : *messages)
    if (!add_message(result, x, &x == &messages->back()))
      return std::nullopt;
  if (result.shared_bytes < pack_shared_bytes_min || !read_limit(result))
    return std::nullopt;
  return result;
}

int64_t tokens_of(size_t bytes) {
  return static_cast<int64_t>(std::max<size_t>(bytes / bytes_per_token, 1));
}

/// What a limit of one answer adds to the limit of a pack.
int64_t output_tokens_of(int64_t limit) {
  return limit == 0 ? 0 : limit + limit / escape_share + item_output_tokens;
}

/// The last message of the system, with the instruction behind its text.
std::string instructed(const packable& x) {
  auto message = x.shared.back();
  auto end =
      static_cast<size_t>(x.last_content.data() - message.data()) + x.last_content.size() - 1;
  std::string text;
  append_json_text(text, pack_instruction);
  std::string result{message.substr(0, end)};
  if (x.last_content.starts_with('"'))
    result.append(text, 1, text.size() - 2);
  else
    result.append(R"(,{"type":"text","text":)").append(text).append("}");
  return result.append(message.substr(end));
}

std::string messages_of(const packable& first, const std::vector<std::string>& questions) {
  std::string result = "[";
  for (size_t i = 0; i + 1 < first.shared.size(); ++i)
    result.append(first.shared[i]).append(",");
  std::string items;
  for (size_t i = 0; i < questions.size(); ++i) {
    items += i == 0 ? R"([{"item":)" : R"(,{"item":)";
    items.append(std::to_string(i + 1)).append(R"(,"question":)");
    append_json_text(items, questions[i]);
    items += '}';
  }
  result.append(instructed(first)).append(R"(,{"role":"user","content":)");
  append_json_text(result, items + "]");
  return result + "}]";
}

} // namespace

std::optional<batch_terms> read_pack_terms(const pack_request& x, uint64_t seed) {
  auto chat = read_packable(x.body);
  if (!chat)
    return std::nullopt;
  // Each part with its length, so that no two lists of parts are one text.
  std::string form = "pack";
  auto add = [&](string_view part) {
    form.append(std::to_string(part.size())).append(":").append(part);
  };
  add(x.tenant);
  for (auto message : chat->shared)
    add(message);
  std::ranges::sort(chat->fields, {}, &json_field::key);
  if (!plain_fields(chat->fields))
    return std::nullopt;
  batch_terms result;
  result.group = group_of({form, "messages", seed}, chat->fields);
  result.tokens = tokens_of(chat->question.size());
  result.shared_tokens = tokens_of(chat->shared_bytes);
  result.output_tokens = output_tokens_of(chat->limit);
  return result;
}

std::string join_packed(const std::vector<const std::string*>& bodies) {
  if (bodies.empty())
    return {};
  if (bodies.size() == 1)
    return *bodies.front();
  std::vector<std::string> questions;
  for (const auto* body : bodies) {
    auto chat = read_packable(*body);
    if (!chat)
      return {};
    questions.push_back(std::move(chat->question));
  }
  auto first = *read_packable(*bodies.front());
  std::string result = "{";
  for (const auto& x : first.fields)
    if (x.key != "messages" && x.key != "response_format" && x.key != first.limit_name)
      append_json_field(result, x.key, x.value);
  if (!first.limit_name.empty()) {
    auto limit = output_tokens_of(first.limit) * static_cast<int64_t>(bodies.size());
    append_json_field(result, first.limit_name, std::to_string(limit + item_output_tokens));
  }
  append_json_field(result, "messages", messages_of(first, questions));
  append_json_field(result, "response_format", pack_response_format);
  return result + "}";
}

} // namespace sluice
