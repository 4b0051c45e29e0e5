#include "api/gateway/job_json.hpp"

#include <nlohmann/json.hpp>

namespace sluice {

namespace {

using json = nlohmann::ordered_json;

/// OpenAI's limits on metadata.
constexpr size_t metadata_pairs_max = 16;
constexpr size_t metadata_key_max = 64;
constexpr size_t metadata_value_max = 512;

std::string text(const json& x) {
  return x.dump(-1, ' ', false, json::error_handler_t::replace);
}

json to_json(const file_object& x) {
  return {{"id", x.id},
          {"object", "file"},
          {"bytes", x.bytes},
          {"created_at", x.created_at},
          {"filename", x.filename},
          {"purpose", x.purpose},
          {"status", "processed"},
          {"status_details", nullptr}};
}

json or_null(int64_t x) {
  return x == 0 ? json(nullptr) : json(x);
}

json or_null(const std::string& x) {
  return x.empty() ? json(nullptr) : json(x);
}

json errors_of(const batch_object& x) {
  if (x.errors.empty())
    return nullptr;
  json data = json::array();
  for (auto& error : x.errors)
    data.push_back({{"code", error.code},
                    {"message", error.message},
                    {"param", or_null(error.param)},
                    {"line", or_null(error.line)}});
  return {{"object", "list"}, {"data", std::move(data)}};
}

json usage_of(const token_usage& x) {
  return {{"input_tokens", x.input_total()},
          {"input_tokens_details", {{"cached_tokens", x.cache_read}}},
          {"output_tokens", x.output_total()},
          {"output_tokens_details", {{"reasoning_tokens", x.reasoning}}},
          {"total_tokens", x.input_total() + x.output_total()}};
}

json to_json(const batch_object& x) {
  // The files are there when the batch is over.
  auto file = [&](const std::string& id, uint64_t bytes) {
    return is_over(x.status) && bytes > 0 ? json(id) : json(nullptr);
  };
  return {
      {"id", x.id},
      {"object", "batch"},
      {"endpoint", "/v1/" + std::string{path_of(x.kind)}},
      {"errors", errors_of(x)},
      {"input_file_id", x.input_file_id},
      {"completion_window", "24h"},
      {"status", std::string{to_string_view(x.status)}},
      {"output_file_id", file(x.output_file_id, x.output_bytes)},
      {"error_file_id", file(x.error_file_id, x.error_bytes)},
      {"created_at", x.created_at},
      {"in_progress_at", or_null(x.in_progress_at)},
      {"expires_at", or_null(x.expires_at)},
      {"finalizing_at", or_null(x.finalizing_at)},
      {"completed_at", or_null(x.completed_at)},
      {"failed_at", or_null(x.failed_at)},
      {"expired_at", or_null(x.expired_at)},
      {"cancelling_at", or_null(x.cancelling_at)},
      {"cancelled_at", or_null(x.cancelled_at)},
      {"request_counts", {{"total", x.total}, {"completed", x.completed}, {"failed", x.failed}}},
      {"usage", usage_of(x.usage)},
      {"metadata", x.metadata.empty() ? json(nullptr) : json::parse(x.metadata, nullptr, false)}};
}

template <class Object>
std::string list_body(const std::vector<Object>& from, bool more) {
  json data = json::array();
  for (auto& x : from)
    data.push_back(to_json(x));
  json result{{"object", "list"}, {"data", std::move(data)}};
  result["first_id"] = from.empty() ? json(nullptr) : json(from.front().id);
  result["last_id"] = from.empty() ? json(nullptr) : json(from.back().id);
  result["has_more"] = more;
  return text(result);
}

caf::error wrong(std::string message, std::string param) {
  return make_error(ec::invalid_value, std::move(message), std::move(param));
}

caf::expected<std::string> text_field(const json& body, const std::string& name) {
  auto found = body.find(name);
  if (found == body.end() || found->is_null())
    return make_error(ec::missing_field, "Missing required parameter: '" + name + "'.", name);
  if (!found->is_string())
    return wrong("'" + name + "' must be a string.", name);
  return found->get<std::string>();
}

caf::expected<endpoint> endpoint_of(const std::string& path) {
  for (auto kind : {endpoint::chat_completions, endpoint::completions, endpoint::embeddings})
    if (path == "/v1/" + std::string{path_of(kind)})
      return kind;
  return wrong("'endpoint' must be one of /v1/chat/completions, /v1/completions, /v1/embeddings.",
               "endpoint");
}

caf::expected<std::string> metadata_of(const json& body) {
  auto found = body.find("metadata");
  if (found == body.end() || found->is_null())
    return std::string{};
  auto good = found->is_object() && found->size() <= metadata_pairs_max;
  if (good)
    for (auto& [key, value] : found->items())
      good = good && key.size() <= metadata_key_max && value.is_string() &&
             value.get_ref<const std::string&>().size() <= metadata_value_max;
  if (!good)
    return wrong("'metadata' must be an object of at most 16 strings of at most 512 bytes, under "
                 "names of at most 64.",
                 "metadata");
  return text(*found);
}

} // namespace

std::string file_body(const file_object& x) {
  return text(to_json(x));
}

std::string file_list_body(const file_page& x) {
  return list_body(x.files, x.more);
}

std::string file_removed_body(const std::string& id) {
  return text({{"id", id}, {"object", "file"}, {"deleted", true}});
}

std::string batch_body(const batch_object& x) {
  return text(to_json(x));
}

std::string batch_list_body(const batch_page& x) {
  return list_body(x.batches, x.more);
}

caf::expected<batch_creation> read_batch_creation(const std::string& body) {
  auto parsed = json::parse(body, nullptr, false);
  if (!parsed.is_object())
    return make_error(ec::invalid_json, "The body must be a JSON object.");
  auto input = text_field(parsed, "input_file_id");
  if (!input)
    return input.error();
  auto path = text_field(parsed, "endpoint");
  if (!path)
    return path.error();
  auto window = text_field(parsed, "completion_window");
  if (!window)
    return window.error();
  auto kind = endpoint_of(*path);
  if (!kind)
    return kind.error();
  if (*window != "24h")
    return wrong("'completion_window' must be 24h.", "completion_window");
  if (auto x = parsed.find("output_expires_after"); x != parsed.end() && !x->is_null())
    return wrong("Files do not expire here: delete them.", "output_expires_after");
  auto metadata = metadata_of(parsed);
  if (!metadata)
    return metadata.error();
  batch_creation result;
  result.kind = *kind;
  result.input_file_id = std::move(*input);
  result.metadata = std::move(*metadata);
  return result;
}

} // namespace sluice
