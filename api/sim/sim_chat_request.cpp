#include "api/sim/sim_chat_reading.hpp"
#include "api/sim/sim_hash.hpp"
#include "api/sim/sim_tokens.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace sluice {

using nlohmann::json;

namespace {

/// What the messages of a chat cost beyond their text, as the OpenAI cookbook counts
/// (How_to_count_tokens_with_tiktoken): 3 tokens a message, 1 a name, 3 for the answer's start.
constexpr int64_t message_tokens = 3, name_tokens = 1, answer_start_tokens = 3;

/// An image in low detail, and one of 1024 by 1024 in high detail (OpenAI's vision guide). Every
/// image counts as one of these, for its size would take decoding it.
constexpr int64_t image_tokens_low = 85, image_tokens_high = 765;

/// A file or a sound: a page of text.
constexpr int64_t attachment_tokens = 500;

/// Of an attachment, what goes into the hash: its type and beginning tell most of them apart.
constexpr size_t attachment_hashed_bytes = 4'096;

void read_part(chat_reading& r, sim_fields& message, const json& part, std::string& text) {
  if (!part.is_object())
    return message.refuse("content", "Each part of 'content' must be an object.", "invalid_type");
  sim_fields fields{part, message.refusal(), message.path() + "content[]."};
  auto type = fields.required_string("type");
  if (type == "text" || type == "refusal") {
    const auto* x = fields.find(type.c_str());
    if (x == nullptr || !x->is_string())
      return fields.refuse(type, "'" + type + "' must be a string.", "invalid_type");
    r.add_text(x->get_ref<const std::string&>());
    text += x->get_ref<const std::string&>();
  } else if (type == "image_url") {
    const auto* image = fields.find("image_url");
    if (image == nullptr || !image->is_object() || !image->contains("url") ||
        !(*image)["url"].is_string())
      return fields.refuse("image_url", "'image_url.url' must be a string.", "invalid_type");
    const auto& url = (*image)["url"].get_ref<const std::string&>();
    r.hash =
        sim_hash(r.hash + url.size(), std::string_view{url}.substr(0, attachment_hashed_bytes));
    auto detail = image->contains("detail") ? (*image)["detail"] : json{};
    r.tokens += detail == "low" ? image_tokens_low : image_tokens_high;
  } else if (type == "input_audio" || type == "file") {
    r.tokens += attachment_tokens;
  } else {
    fields.refuse("type",
                  "Invalid value: '" + type +
                      "'. Supported values are: 'text', 'image_url', 'input_audio', 'refusal', " +
                      "and 'file'.",
                  "invalid_value");
  }
}

void read_message(chat_reading& r, const json& message, size_t index) {
  auto path = "messages[" + std::to_string(index) + "]";
  if (!message.is_object())
    return r.from.refuse(path, "'" + path + "' must be an object.", "invalid_type");
  sim_fields fields{message, r.from.refusal(), path + "."};
  constexpr std::array<std::string_view, 6> roles{"system",    "developer", "user",
                                                  "assistant", "tool",      "function"};
  r.last_role = fields.required_string("role");
  if (fields.refused())
    return;
  if (std::find(roles.begin(), roles.end(), r.last_role) == roles.end())
    return fields.refuse("role",
                         "Invalid value: '" + r.last_role +
                             "'. Supported values are: 'system', 'assistant', 'user', " +
                             "'function', 'tool', and 'developer'.",
                         "invalid_value");
  r.tokens += message_tokens;
  r.hash = sim_hash(r.hash, r.last_role);
  if (fields.find("name") != nullptr)
    r.tokens += name_tokens;
  const auto* calls = fields.find("tool_calls");
  if (calls != nullptr)
    r.add_text(calls->dump());
  if (r.last_role == "tool")
    fields.required_string("tool_call_id");
  std::string text;
  const auto* content = fields.find("content");
  if (content == nullptr) {
    if (r.last_role != "assistant")
      fields.refuse("content", "Missing required parameter: '" + path + ".content'.",
                    "missing_required_parameter");
  } else if (content->is_string()) {
    text = content->get<std::string>();
    r.add_text(text);
  } else if (content->is_array()) {
    for (const auto& part : *content)
      read_part(r, fields, part, text);
  } else {
    fields.refuse("content", "'" + path + ".content' must be a string or a list of parts.",
                  "invalid_type");
  }
  if (r.last_role == "user")
    r.user_text = std::move(text);
}

void read_messages(chat_reading& r) {
  const auto* messages = r.from.find("messages");
  if (messages == nullptr)
    return r.from.refuse("messages", "Missing required parameter: 'messages'.",
                         "missing_required_parameter");
  if (!messages->is_array() || messages->empty())
    return r.from.refuse("messages", "'messages' must be a list of at least one message.",
                         "invalid_type");
  for (size_t i = 0; i < messages->size() && !r.from.refused(); ++i)
    read_message(r, (*messages)[i], i);
}

void read_output_max(sim_request& to, sim_fields& from) {
  auto most = to.row->output_tokens_max;
  auto older = from.whole_number("max_tokens", 1, most);
  auto newer = from.whole_number("max_completion_tokens", 1, most);
  if (older && newer)
    return from.refuse("max_tokens", "Setting 'max_tokens' and 'max_completion_tokens' at the "
                                     "same time is not supported.");
  to.output_max = newer ? *newer : older ? *older : most;
}

bool mentions_json(const std::string& text) {
  constexpr std::string_view word = "json";
  auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
  return std::search(text.begin(), text.end(), word.begin(), word.end(), same) != text.end();
}

} // namespace

void chat_reading::add_text(const std::string& text) {
  hash = sim_hash(hash, text);
  tokens += sim_count_tokens(text);
  says_json = says_json || (json_matters && mentions_json(text));
}

void read_sim_chat(sim_request& to, sim_fields& from, uint64_t seed) {
  chat_reading r{to, from, seed, answer_start_tokens, {}, {}, false, false};
  r.json_matters = from.find("response_format") != nullptr;
  read_messages(r);
  read_sim_sampling(to, from);
  read_output_max(to, from);
  if (from.refused())
    return;
  read_chat_tools(r);
  read_chat_response_format(r);
  if (!from.refused() && r.tokens > to.row->context_tokens_max)
    from.refuse(
        "messages",
        "This model's maximum context length is " + std::to_string(to.row->context_tokens_max) +
            " tokens. However, your messages resulted in " + std::to_string(r.tokens) + " tokens.",
        "context_length_exceeded");
  if (!from.refused() && to.form == sim_form::packed) {
    to.prompts = read_packed_prompts(r, seed);
    if (!to.prompts.empty())
      return;
    to.form = sim_form::json_schema;
  }
  to.prompts.push_back({std::move(r.user_text), r.hash, r.tokens});
}

} // namespace sluice
