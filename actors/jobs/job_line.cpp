#include "actors/jobs/job_line.hpp"

#include <nlohmann/json.hpp>
#include <simdjson.h>

#include <algorithm>
#include <limits>

namespace sluice {

namespace {

namespace dom = simdjson::dom;

/// OpenAI's own are far shorter; it is held in memory for each line while a file is checked.
constexpr size_t custom_id_max = 512;

/// As for requests that come one at a time.
constexpr size_t model_name_max = 256;

using problem = std::optional<batch_error>;

problem wrong(std::string code, std::string message, std::string param = {}) {
  return batch_error{std::move(code), std::move(message), std::move(param), 0};
}

problem missing(std::string_view name) {
  return wrong("missing_required_parameter",
               "Missing required parameter: '" + std::string{name} + "'.", std::string{name});
}

/// The text called `name`; what is wrong where it is none.
problem read_text(dom::object from, const char* name, size_t size_max, std::string& into) {
  dom::element found;
  if (from[name].get(found) != simdjson::SUCCESS || found.is_null())
    return missing(name);
  std::string_view text;
  if (found.get(text) != simdjson::SUCCESS || text.empty() || text.size() > size_max)
    return wrong("invalid_value",
                 std::string{"'"} + name + "' must be a string of 1 to " +
                     std::to_string(size_max) + " characters.",
                 name);
  into = text;
  return std::nullopt;
}

/// Two readers could choose differently.
problem check_twice(dom::object x, std::string_view name) {
  auto count = std::count_if(x.begin(), x.end(), [&](auto field) { return field.key == name; });
  if (count > 1)
    return wrong("invalid_value", "'" + std::string{name} + "' stands twice.", std::string{name});
  return std::nullopt;
}

int64_t count_of(dom::object body, const char* name, int64_t otherwise) {
  int64_t x = 0;
  auto found =
      body[name].get(x) == simdjson::SUCCESS && x > 0 && x <= std::numeric_limits<int32_t>::max();
  return found ? x : otherwise;
}

problem check_target(dom::object line, endpoint kind) {
  std::string method;
  std::string url;
  if (auto x = read_text(line, "method", 16, method))
    return x;
  if (method != "POST")
    return wrong("invalid_method", "The method must be POST.", "method");
  if (auto x = read_text(line, "url", 256, url))
    return x;
  auto expected = "/v1/" + std::string{path_of(kind)};
  if (url != expected)
    return wrong("mismatched_endpoint", "The url must be the batch's endpoint, " + expected + ".",
                 "url");
  return std::nullopt;
}

problem check_model(const std::string& name, const line_rules& rules) {
  auto* found = rules.known->find_model(name);
  auto allowed = rules.models.empty() ||
                 std::find(rules.models.begin(), rules.models.end(), name) != rules.models.end();
  if (!found || !allowed)
    return wrong("model_not_found",
                 "The model '" + name + "' does not exist or you do not have access to it.",
                 "model");
  auto& kinds = found->endpoints;
  if (std::find(kinds.begin(), kinds.end(), rules.kind) == kinds.end())
    return wrong("model_not_found",
                 "The model '" + name + "' cannot be used with /v1/" +
                     std::string{path_of(rules.kind)} + ".",
                 "model");
  return std::nullopt;
}

problem check_content(dom::object body, endpoint kind) {
  bool stream = false;
  if (body["stream"].get(stream) == simdjson::SUCCESS && stream)
    return wrong("invalid_value", "A batch cannot stream.", "stream");
  dom::element found;
  if (kind == endpoint::chat_completions) {
    dom::array messages;
    if (body["messages"].get(found) != simdjson::SUCCESS)
      return missing("messages");
    if (found.get(messages) != simdjson::SUCCESS || messages.begin() == messages.end())
      return wrong("invalid_value", "'messages' must be an array of at least one message.",
                   "messages");
  } else if (kind == endpoint::embeddings) {
    if (body["input"].get(found) != simdjson::SUCCESS || found.is_null())
      return missing("input");
  }
  return std::nullopt;
}

problem read_body(dom::object body, const line_rules& rules, job_line& into) {
  if (auto x = check_twice(body, "model"))
    return x;
  if (auto x = read_text(body, "model", model_name_max, into.model))
    return x;
  if (auto x = check_model(into.model, rules))
    return x;
  auto limit =
      std::max(count_of(body, "max_tokens", 0), count_of(body, "max_completion_tokens", 0));
  into.choices = count_of(body, "n", 1);
  into.output_tokens_max = limit * into.choices;
  return check_content(body, rules.kind);
}

std::string_view trimmed(std::string_view token) {
  while (!token.empty() && std::string_view{" \t\r\n"}.find(token.back()) != token.npos)
    token.remove_suffix(1);
  return token;
}

} // namespace

struct line_reader::parsers {
  dom::parser whole;
  simdjson::ondemand::parser places;
};

line_reader::line_reader() : parsers_(std::make_unique<parsers>()) {}

line_reader::~line_reader() = default;

line_reading line_reader::read(std::string_view text, const line_rules& rules) {
  line_reading result;
  auto& into = result.line;
  simdjson::padded_string padded{text};
  dom::object root;
  dom::element body_element;
  dom::object body;
  if (parsers_->whole.parse(padded).get(root) != simdjson::SUCCESS)
    result.error = wrong("invalid_json_line", "This line is not a JSON object.");
  for (auto name : {"custom_id", "method", "url", "body"})
    if (!result.error)
      result.error = check_twice(root, name);
  if (!result.error)
    result.error = read_text(root, "custom_id", custom_id_max, into.custom_id);
  if (!result.error)
    result.error = check_target(root, rules.kind);
  if (!result.error && root["body"].get(body_element) != simdjson::SUCCESS)
    result.error = missing("body");
  if (!result.error && body_element.get(body) != simdjson::SUCCESS)
    result.error = wrong("invalid_value", "'body' must be an object.", "body");
  if (!result.error)
    result.error = read_body(body, rules, into);
  if (result.error)
    return result;
  // A second walk for the places in the text: the values may stay as they are, byte for byte.
  simdjson::ondemand::document document;
  simdjson::ondemand::object outer;
  simdjson::ondemand::object inner;
  std::string_view raw;
  std::string_view model;
  auto found = parsers_->places.iterate(padded).get(document) == simdjson::SUCCESS &&
               document.get_object().get(outer) == simdjson::SUCCESS &&
               outer.find_field_unordered("body").get_object().get(inner) == simdjson::SUCCESS &&
               inner.raw_json().get(raw) == simdjson::SUCCESS && !inner.reset().error();
  if (found) {
    simdjson::ondemand::value value;
    found = inner.find_field_unordered("model").get(value) == simdjson::SUCCESS;
    if (found)
      model = trimmed(value.raw_json_token());
  }
  if (!found || model.data() < raw.data()) {
    // Only where a name is written with escapes, "mod\u0065l": nobody does.
    result.error = wrong("invalid_value", "'body' and 'model' must be written without escapes.");
    return result;
  }
  into.body = trimmed(raw);
  into.model_at = static_cast<uint32_t>(model.data() - raw.data());
  into.model_size = static_cast<uint32_t>(model.size());
  into.input_tokens = static_cast<int64_t>(into.body.size() / 4) + 1;
  return result;
}

std::string body_for(const job_line& line, std::string_view model) {
  if (model == line.model)
    return line.body;
  auto result = line.body;
  result.replace(line.model_at, line.model_size, nlohmann::json(std::string{model}).dump());
  return result;
}

} // namespace sluice
