#include "api/sim/sim_chat_reading.hpp"

#include "runtime/pack_prompt.hpp"

#include <algorithm>
#include <cctype>
#include <utility>
#include <vector>

namespace sluice {

using nlohmann::json;

namespace {

constexpr size_t tools_max = 128; ///< OpenAI's limit

bool is_function_name(const std::string& x) {
  auto allowed = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '-'; };
  return !x.empty() && x.size() <= 64 && std::all_of(x.begin(), x.end(), allowed);
}

/// The functions by name; the schema of one without parameters is that of the empty object.
std::vector<std::pair<std::string, json>> read_functions(chat_reading& r, const json& tools) {
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
void choose_function(chat_reading& r, std::vector<std::pair<std::string, json>>& functions) {
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

} // namespace

void read_chat_tools(chat_reading& r) {
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

void read_chat_response_format(chat_reading& r) {
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
    auto name = inner.required_string("name");
    const auto* schema = inner.find("schema");
    if (schema != nullptr && !schema->is_object())
      return inner.refuse("schema", "'schema' must be an object.", "invalid_type");
    if (schema != nullptr)
      r.add_text(schema->dump());
    if (!calls) {
      r.to.form = name == pack_schema_name ? sim_form::packed : sim_form::json_schema;
      r.to.schema = schema != nullptr ? *schema : json::object();
    }
  } else if (type != "text") {
    fields.refuse("type",
                  "Invalid value: '" + type +
                      "'. Supported values are: 'text', 'json_object', and 'json_schema'.",
                  "invalid_value");
  }
}

} // namespace sluice
