#include "actors/batching/batch_format_usage.hpp"

#include "actors/batching/batch_format_json.hpp"

#include <limits>

namespace sluice {

namespace {

/// A trillion tokens: beyond any call, and the sum over a batch stays within 64 bits.
constexpr int64_t tokens_max = int64_t{1} << 40;

/// A count; 0 where it is absent or null.
std::optional<int64_t> count(const json_fields& from, std::string_view key) {
  if (is_default(from, key, {}))
    return 0;
  auto result = read_json_count(sole_value(from, key));
  return result && *result <= tokens_max ? result : std::nullopt;
}

std::optional<int64_t> detail(const json_fields& usage, std::string_view group,
                              std::string_view key) {
  if (is_default(usage, group, {}))
    return 0;
  auto details = read_json_fields(sole_value(usage, group));
  return details ? count(*details, key) : std::nullopt;
}

int64_t sum(int64_t a, int64_t b) {
  int64_t result = 0;
  // An upstream that counts so far cannot be right; its numbers must not be undefined all the same.
  return __builtin_add_overflow(a, b, &result) ? std::numeric_limits<int64_t>::max() : result;
}

std::string number(int64_t x) {
  return std::to_string(x);
}

} // namespace

std::optional<token_usage> read_usage(std::string_view object) {
  auto fields = read_json_fields(object);
  if (!fields || is_default(*fields, "prompt_tokens", {}))
    return std::nullopt;
  auto prompt = count(*fields, "prompt_tokens");
  auto completion = count(*fields, "completion_tokens"); // embeddings have none
  auto cached = detail(*fields, "prompt_tokens_details", "cached_tokens");
  auto reasoning = detail(*fields, "completion_tokens_details", "reasoning_tokens");
  if (!prompt || !completion || !cached || !reasoning || *cached > *prompt ||
      *reasoning > *completion)
    return std::nullopt;
  return token_usage{*prompt - *cached, *cached, 0, *completion - *reasoning, *reasoning};
}

std::string write_usage(endpoint kind, const token_usage& usage) {
  auto prompt = sum(sum(usage.input, usage.cache_read), usage.cache_write);
  auto completion = sum(usage.output, usage.reasoning);
  std::string out = "{";
  append_json_field(out, "prompt_tokens", number(prompt));
  if (kind != endpoint::embeddings)
    append_json_field(out, "completion_tokens", number(completion));
  append_json_field(out, "total_tokens", number(sum(prompt, completion)));
  if (usage.cache_read != 0)
    append_json_field(out, "prompt_tokens_details",
                      "{\"cached_tokens\":" + number(usage.cache_read) + "}");
  if (usage.reasoning != 0)
    append_json_field(out, "completion_tokens_details",
                      "{\"reasoning_tokens\":" + number(usage.reasoning) + "}");
  return out + "}";
}

} // namespace sluice
