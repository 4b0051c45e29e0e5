#include "api/sim/sim_hash.hpp"
#include "api/sim/sim_request.hpp"
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

constexpr size_t tools_max = 128; ///< OpenAI's limit

struct reading {
  sim_request& to;
  sim_fields& from;
  uint64_t hash;
  int64_t tokens = answer_start_tokens;
  std::string user_text;
  std::string last_role;
  bool says_json = false;

  void add_text(const std::string& text) {
    hash = sim_hash(hash, text);
    tokens += sim_count_tokens(text);
    says_json = says_json || mentions_json(text);
  }

  static bool mentions_json(const std::string& text) {
    constexpr std::string_view word = "json";
    auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
    return std::search(text.begin(), text.end(), word.begin(), word.end(), same) != text.end();
  }
};

void read_part(reading& r, sim_fields& message, const json& part, std::string& text) {
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

void read_message(reading& r, const json& message, size_t index) {
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

void read_messages(reading& r) {
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

bool is_function_name(const std::string& x) {
  auto allowed = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '-'; };
  return !x.empty() && x.size() <= 64 && std::all_of(x.begin(), x.end(), allowed);
}

/// The functions by name; the schema of one without parameters is that of the empty object.
std::vector<std::pair<std::string, json>> read_functions(reading& r, const json& tools) {
  std::vector<std::pair<std::string, json>> result;
  for (size_t i = 0; i < tools.size(); ++i) {
    auto path = "tools[" + std::to_string(i) + "]";
    const auto& tool = tools[i];
    if (!tool.is_object() || tool.value("type", json{}) != "function" ||
        !tool.value("function", json{}).is_object()) {
      r.from.refuse(path, "'" + path + "' must have the type 'function' and a function.",
                    "invalid_type");
      return {};
    }
    const auto& function = tool["function"];
    sim_fields fields{function, r.from.refusal(), path + ".function."};
    auto name = fields.required_string("name");
    if (!fields.refused() && !is_function_name(name))
      fields.refuse("name", "'" + path + ".function.name' must match ^[a-zA-Z0-9_-]{1,64}$.",
                    "invalid_value");
    const auto* parameters = fields.find("parameters");
    if (parameters != nullptr && !parameters->is_object())
      fields.refuse("parameters", "'" + path + ".function.parameters' must be an object.",
                    "invalid_type");
    if (fields.refused())
      return {};
    result.emplace_back(name, parameters != nullptr ? *parameters : json::object());
  }
  return result;
}

/// Which function is called, if one is. A conversation that ends in a tool's result gets words, so
/// that an agent's loop comes to an end.
void choose_function(reading& r, std::vector<std::pair<std::string, json>>& functions) {
  auto wanted = std::string{r.last_role == "tool" ? "none" : "auto"};
  if (const auto* choice = r.from.find("tool_choice")) {
    if (choice->is_string() && (*choice == "none" || *choice == "required")) {
      wanted = choice->get<std::string>();
    } else if (choice->is_object()) {
      auto function = choice->value("function", json{});
      auto name = function.is_object() ? function.value("name", json{}) : json{};
      for (auto& x : functions)
        if (name == x.first) {
          r.to.tool_named = true;
          functions = {x};
          wanted = "required";
          break;
        }
      if (!r.to.tool_named)
        return r.from.refuse("tool_choice", "'tool_choice' must name a function in 'tools'.",
                             "invalid_value");
    } else if (*choice != "auto") {
      return r.from.refuse("tool_choice",
                           "'tool_choice' must be 'none', 'auto', 'required' or a function.",
                           "invalid_value");
    }
  }
  if (wanted == "none" || functions.empty())
    return;
  auto* chosen = &functions[r.hash % functions.size()];
  for (auto& x : functions)
    if (r.user_text.find(x.first) != std::string::npos) {
      chosen = &x;
      break;
    }
  r.to.form = sim_form::tool_call;
  r.to.tool = chosen->first;
  r.to.schema = std::move(chosen->second);
}

void read_tools(reading& r) {
  const auto* tools = r.from.find("tools");
  if (tools == nullptr) {
    if (r.from.find("tool_choice") != nullptr)
      r.from.refuse("tool_choice", "'tool_choice' is only allowed when 'tools' are specified.");
    return;
  }
  if (!tools->is_array() || tools->empty() || tools->size() > tools_max)
    return r.from.refuse("tools", "'tools' must be a list of 1 to 128 tools.", "invalid_type");
  r.add_text(tools->dump());
  auto functions = read_functions(r, *tools);
  if (!r.from.refused())
    choose_function(r, functions);
}

void read_response_format(reading& r) {
  const auto* format = r.from.find("response_format");
  if (format == nullptr)
    return;
  if (!format->is_object())
    return r.from.refuse("response_format", "'response_format' must be an object.", "invalid_type");
  sim_fields fields{*format, r.from.refusal(), "response_format."};
  auto type = fields.required_string("type");
  bool calls = r.to.form == sim_form::tool_call;
  if (type == "json_object") {
    if (!r.says_json)
      return r.from.refuse("messages", "'messages' must contain the word 'json' in some form, to "
                                       "use 'response_format' of type 'json_object'.");
    if (!calls)
      r.to.form = sim_form::json_object;
  } else if (type == "json_schema") {
    const auto* outer = fields.find("json_schema");
    if (outer == nullptr || !outer->is_object())
      return fields.refuse("json_schema",
                           "Missing required parameter: "
                           "'response_format.json_schema'.",
                           "missing_required_parameter");
    sim_fields inner{*outer, r.from.refusal(), "response_format.json_schema."};
    inner.required_string("name");
    const auto* schema = inner.find("schema");
    if (schema != nullptr && !schema->is_object())
      return inner.refuse("schema", "'schema' must be an object.", "invalid_type");
    if (schema != nullptr)
      r.add_text(schema->dump());
    if (!calls) {
      r.to.form = sim_form::json_schema;
      r.to.schema = schema != nullptr ? *schema : json::object();
    }
  } else if (type != "text") {
    fields.refuse("type",
                  "Invalid value: '" + type +
                      "'. Supported values are: 'text', 'json_object', and 'json_schema'.",
                  "invalid_value");
  }
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

} // namespace

void read_sim_chat(sim_request& to, sim_fields& from, uint64_t seed) {
  reading r{to, from, seed, answer_start_tokens, {}, {}, false};
  read_messages(r);
  read_sim_sampling(to, from);
  read_output_max(to, from);
  if (from.refused())
    return;
  read_tools(r);
  read_response_format(r);
  if (!from.refused() && r.tokens > to.row->context_tokens_max)
    from.refuse(
        "messages",
        "This model's maximum context length is " + std::to_string(to.row->context_tokens_max) +
            " tokens. However, your messages resulted in " + std::to_string(r.tokens) + " tokens.",
        "context_length_exceeded");
  to.prompts.push_back({std::move(r.user_text), r.hash, r.tokens});
}

} // namespace sluice
