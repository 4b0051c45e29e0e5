#include "api/gateway/request_reader.hpp"

#include "api/gateway/json_fingerprint.hpp"

#include <nlohmann/json.hpp>
#include <simdjson.h>

#include <algorithm>
#include <limits>
#include <vector>

namespace sluice {

namespace {

namespace dom = simdjson::dom;

/// Longest model name that is looked at; providers' longest are below 100.
constexpr size_t model_name_max = 256;

/// OpenAI's limit on choices of one request.
constexpr int64_t choices_max = 128;

/// Parsers that grew beyond this for a body full of images are given up after it: their memory is
/// several times the body's.
constexpr size_t parser_capacity_kept = 1024 * 1024;

failure refuse(ec code, std::string message, std::string param = {}) {
  failure result;
  result.code = code;
  result.message = std::move(message);
  result.param = std::move(param);
  return result;
}

/// Finds where JSON is broken without building it: a body of 32 MiB would take gigabytes.
class syntax_check : public nlohmann::json_sax<nlohmann::json> {
public:
  size_t error_at = 0; ///< counted from 1, as nlohmann does

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(size_t) override { return true; }
  bool key(string_t&) override { return true; }
  bool end_object() override { return true; }
  bool start_array(size_t) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(size_t at, const std::string&, const nlohmann::detail::exception&) override {
    error_at = at;
    return false;
  }
};

/// Says where the JSON is broken. Slow, and only for those who send broken JSON.
failure explain_syntax(const std::string& body) {
  if (body.empty())
    return refuse(ec::invalid_json, "The request has no body; a JSON object is expected.");
  syntax_check check;
  if (nlohmann::json::sax_parse(body, &check)) // where simdjson is stricter
    return refuse(ec::invalid_json,
                  "The body is nested too deeply, or has a number that does not fit 64 bits.");
  auto at = std::min(check.error_at > 0 ? check.error_at - 1 : 0, body.size());
  auto line = 1 + std::count(body.begin(), body.begin() + static_cast<std::ptrdiff_t>(at), '\n');
  auto start = body.rfind('\n', at > 0 ? at - 1 : 0);
  auto column = start == std::string::npos || start >= at ? at + 1 : at - start;
  return refuse(ec::invalid_json, "The body is not valid JSON: error at line " +
                                      std::to_string(line) + ", column " + std::to_string(column) +
                                      " (byte " + std::to_string(at) + ").");
}

/// The fields that Sluice reads, as found.
struct fields {
  std::optional<dom::element> model, messages, prompt, input, stream, stream_options, max_tokens,
      max_completion_tokens, n, service_tier;
};

std::optional<failure> collect(dom::object root, fields& found) {
  const std::pair<std::string_view, std::optional<dom::element> fields::*> known[] = {
      {"model", &fields::model},
      {"messages", &fields::messages},
      {"prompt", &fields::prompt},
      {"input", &fields::input},
      {"stream", &fields::stream},
      {"stream_options", &fields::stream_options},
      {"max_tokens", &fields::max_tokens},
      {"max_completion_tokens", &fields::max_completion_tokens},
      {"n", &fields::n},
      {"service_tier", &fields::service_tier},
  };
  for (auto [key, value] : root)
    for (auto& [name, member] : known)
      if (key == name) {
        if (found.*member)
          return refuse(ec::invalid_value, "'" + std::string{name} + "' stands twice in the body.",
                        std::string{name});
        found.*member = value;
      }
  return std::nullopt;
}

std::optional<failure> read_flag(const std::optional<dom::element>& x, const char* name,
                                 bool& out) {
  if (!x || x->is_null())
    return std::nullopt;
  if (x->get(out) != simdjson::SUCCESS)
    return refuse(ec::invalid_value, std::string{"'"} + name + "' must be true or false.", name);
  return std::nullopt;
}

struct count_rule {
  const char* name;
  int64_t max;
};

std::optional<failure> read_count(const std::optional<dom::element>& x, count_rule rule,
                                  int64_t& out) {
  if (!x || x->is_null())
    return std::nullopt;
  int64_t value = 0;
  if (x->get(value) != simdjson::SUCCESS || value < 1 || value > rule.max)
    return refuse(ec::invalid_value,
                  std::string{"'"} + rule.name + "' must be a whole number from 1 to " +
                      std::to_string(rule.max) + ".",
                  rule.name);
  out = value;
  return std::nullopt;
}

std::optional<failure> read_model(const fields& found, std::string& out) {
  if (!found.model)
    return refuse(ec::missing_field, "You must provide a model parameter.", "model");
  std::string_view name;
  if (found.model->get(name) != simdjson::SUCCESS || name.empty() || name.size() > model_name_max)
    return refuse(ec::invalid_value, "'model' must be a string of 1 to 256 characters.", "model");
  out = name;
  return std::nullopt;
}

std::optional<failure> check_content(endpoint kind, const fields& found) {
  if (kind == endpoint::chat_completions) {
    if (!found.messages)
      return refuse(ec::missing_field, "Missing required parameter: 'messages'.", "messages");
    dom::array messages;
    if (found.messages->get(messages) != simdjson::SUCCESS || messages.begin() == messages.end())
      return refuse(ec::invalid_value, "'messages' must be an array of at least one message.",
                    "messages");
  } else if (kind == endpoint::embeddings) {
    if (!found.input || found.input->is_null())
      return refuse(ec::missing_field, "Missing required parameter: 'input'.", "input");
    if (!found.input->is_string() && !found.input->is_array())
      return refuse(ec::invalid_value, "'input' must be a string or an array.", "input");
  }
  return std::nullopt;
}

std::optional<failure> read_stream(const fields& found, inference_request& out) {
  if (auto refusal = read_flag(found.stream, "stream", out.stream))
    return refusal;
  if (out.stream && out.kind == endpoint::embeddings)
    return refuse(ec::invalid_value, "Embeddings cannot be streamed.", "stream");
  if (!found.stream_options || found.stream_options->is_null())
    return std::nullopt;
  dom::object options;
  if (found.stream_options->get(options) != simdjson::SUCCESS)
    return refuse(ec::invalid_value, "'stream_options' must be an object.", "stream_options");
  if (!out.stream)
    return refuse(ec::invalid_value, "'stream_options' is only allowed where 'stream' is true.",
                  "stream_options");
  dom::element usage;
  if (options["include_usage"].get(usage) == simdjson::SUCCESS)
    return read_flag(usage, "stream_options.include_usage", out.include_usage);
  return std::nullopt;
}

std::optional<failure> read_limits(const fields& found, inference_request& out) {
  constexpr int64_t tokens_max =
      std::numeric_limits<int32_t>::max(); // far above any model's, far below overflow
  auto refusal = read_count(found.max_tokens, {"max_tokens", tokens_max}, out.output_tokens_max);
  if (!refusal)
    refusal = read_count(found.max_completion_tokens, {"max_completion_tokens", tokens_max},
                         out.output_tokens_max);
  if (!refusal)
    refusal = read_count(found.n, {"n", choices_max}, out.choices);
  out.output_tokens_max *= out.choices;
  return refusal;
}

/// Anything that is not "flex" is the provider's business.
urgency read_patience(const fields& found) {
  std::string_view tier;
  auto flexible =
      found.service_tier && found.service_tier->get(tier) == simdjson::SUCCESS && tier == "flex";
  return flexible ? urgency::flexible : urgency::interactive;
}

/// A piece of the body and what takes its place.
struct edit {
  size_t at;
  size_t size;
  std::string text;
};

std::string apply(const std::string& body, std::vector<edit>& edits) {
  std::sort(edits.begin(), edits.end(), [](auto& a, auto& b) { return a.at < b.at; });
  std::string result;
  result.reserve(body.size() + 128);
  size_t from = 0;
  for (auto& x : edits) {
    result.append(body, from, x.at - from).append(x.text);
    from = x.at + x.size;
  }
  return result.append(body, from);
}

std::string with_usage(std::string_view options) {
  auto parsed = nlohmann::ordered_json::parse(options, nullptr, false);
  if (!parsed.is_object())
    parsed = nlohmann::ordered_json::object();
  parsed["include_usage"] = true;
  return parsed.dump();
}

} // namespace

struct request_reader::parsers {
  dom::parser whole;
  simdjson::ondemand::parser places;
};

request_reader::request_reader() : parsers_(std::make_unique<parsers>()) {}

request_reader::~request_reader() = default;

request_reading request_reader::read(endpoint kind, std::string& body, const merge_rules* rules) {
  request_reading result;
  auto& out = result.request;
  out.kind = kind;
  body.reserve(body.size() + simdjson::SIMDJSON_PADDING);
  dom::element root;
  dom::object object;
  fields found;
  if (parsers_->whole.parse(body.data(), body.size(), false).get(root) != simdjson::SUCCESS)
    result.refusal = explain_syntax(body);
  else if (root.get(object) != simdjson::SUCCESS)
    result.refusal = refuse(ec::invalid_json, "The body must be a JSON object.");
  if (!result.refusal)
    result.refusal = collect(object, found);
  if (!result.refusal)
    result.refusal = read_model(found, out.model);
  if (!result.refusal)
    result.refusal = check_content(kind, found);
  if (!result.refusal)
    result.refusal = read_stream(found, out);
  if (!result.refusal)
    result.refusal = read_limits(found, out);
  out.input_tokens = static_cast<int64_t>(body.size() / 4) + 1;
  out.patience = read_patience(found);
  if (rules && !result.refusal)
    out.merge = merge_terms_of(kind, object, *rules);
  if (parsers_->whole.capacity() > parser_capacity_kept)
    parsers_->whole = dom::parser{};
  return result;
}

std::string request_reader::rewrite(const std::string& body, std::string_view model, bool ask_usage,
                                    const answer_limit& limit) {
  simdjson::padded_string copy;
  auto padded = body.capacity() >= body.size() + simdjson::SIMDJSON_PADDING;
  if (!padded)
    copy = simdjson::padded_string{body};
  auto* text = padded ? body.data() : copy.data();
  std::vector<edit> edits;
  auto options_found = false;
  auto limit_due = limit.tokens > 0;
  auto place = [&](std::string_view token) {
    while (!token.empty() &&
           std::string_view{" \t\r\n"}.find(token.back()) != std::string_view::npos)
      token.remove_suffix(1);
    return edit{static_cast<size_t>(token.data() - text), token.size(), {}};
  };
  simdjson::ondemand::document document;
  simdjson::ondemand::object root;
  if (parsers_->places.iterate(text, body.size(), body.size() + simdjson::SIMDJSON_PADDING)
              .get(document) != simdjson::SUCCESS ||
      document.get_object().get(root) != simdjson::SUCCESS)
    return body; // cannot be: it has been read
  for (auto field : root) {
    std::string_view key;
    if (field.unescaped_key().get(key) != simdjson::SUCCESS)
      return body;
    auto is_model = key == "model";
    auto is_options = ask_usage && key == "stream_options";
    // Said as null, or it would not be due: that is no limit.
    auto is_limit = limit_due && (key == "max_tokens" || key == "max_completion_tokens");
    if (!is_model && !is_options && !is_limit)
      continue;
    simdjson::ondemand::value value;
    if (field.value().get(value) != simdjson::SUCCESS)
      return body;
    if (is_model) {
      auto change = place(value.raw_json_token());
      change.text = nlohmann::json(std::string{model}).dump();
      edits.push_back(std::move(change));
      continue;
    }
    if (is_limit) {
      auto change = place(value.raw_json_token());
      change.text = std::to_string(limit.tokens);
      edits.push_back(std::move(change));
      limit_due = false;
      continue;
    }
    options_found = true;
    simdjson::ondemand::object options;
    std::string_view raw = value.raw_json_token();
    if (!raw.empty() && raw.front() == '{' &&
        value.get_object().get(options) == simdjson::SUCCESS &&
        options.raw_json().get(raw) != simdjson::SUCCESS)
      return body;
    auto change = place(raw);
    change.text = with_usage(raw);
    edits.push_back(std::move(change));
  }
  if (ask_usage && !options_found)
    edits.push_back({body.find('{') + 1, 0, R"("stream_options":{"include_usage":true},)"});
  if (limit_due)
    edits.push_back({body.find('{') + 1, 0,
                     "\"" + std::string{limit.field} + "\":" + std::to_string(limit.tokens) + ","});
  if (parsers_->places.capacity() > parser_capacity_kept)
    parsers_->places = simdjson::ondemand::parser{};
  return apply(body, edits);
}

} // namespace sluice
