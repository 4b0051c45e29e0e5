#include "api/gateway/cache_rules.hpp"

#include "api/gateway/header_words.hpp"
#include "api/http/handler.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>

namespace sluice {

namespace {

/// Ten years: longer is a mistake in the unit.
constexpr int64_t seconds_max = 10LL * 365 * 24 * 3600;

std::optional<std::chrono::seconds> seconds_of(std::string_view text) {
  text = trimmed(text);
  if (text.size() > 1 && text.front() == '"' && text.back() == '"')
    text = text.substr(1, text.size() - 2);
  int64_t value = 0;
  auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || stop != text.data() + text.size() || value < 0)
    return std::nullopt;
  return std::chrono::seconds{std::min(value, seconds_max)};
}

void read_directive(std::string_view word, cache_wish& into) {
  auto mark = word.find('=');
  auto name = word.substr(0, mark);
  if (says(name, "no-cache"))
    into.read = false;
  else if (says(name, "no-store"))
    into.write = false;
  else if (says(name, "only-if-cached"))
    into.only = true;
  else if (says(name, "max-age") && mark != std::string_view::npos)
    if (auto age = seconds_of(word.substr(mark + 1)))
      into.age_max = *age;
}

/// Whether a list or object of calls stands behind `name`: some servers write null or an empty
/// list into every answer.
bool has_calls(std::string_view content, std::string_view name) {
  for (auto at = content.find(name); at != std::string_view::npos; at = content.find(name, at)) {
    at += name.size();
    auto rest = content.substr(std::min(content.find_first_not_of(" \t\r\n:", at), content.size()));
    if (rest.starts_with("null"))
      continue;
    auto inner = rest.starts_with('[') ? rest.find_first_not_of(" \t\r\n", 1) : 0;
    if (inner == 0 || (inner != std::string_view::npos && rest[inner] != ']'))
      return true;
  }
  return false;
}

} // namespace

caf::expected<cache_wish> cache_wish_of(const http_request& request) {
  constexpr std::string_view common = "cache-control";
  cache_wish result;
  for (auto& [name, value] : request.fields) {
    if (name.size() == common.size() && says(name, common)) {
      for_each_word(value, [&](std::string_view word) { read_directive(word, result); });
    } else if (name.size() == cache_field.size() && says(name, cache_field)) {
      if (!says(value, "off"))
        return make_error(ec::invalid_value, "The header x-sluice-cache must be off.",
                          std::string{cache_field});
      result.read = result.write = false;
    } else if (name.size() == cache_ttl_field.size() && says(name, cache_ttl_field)) {
      auto ttl = seconds_of(value);
      if (!ttl || ttl->count() == 0)
        return make_error(ec::invalid_value,
                          "The header x-sluice-cache-ttl must be a whole number of seconds, at "
                          "least 1.",
                          std::string{cache_ttl_field});
      result.ttl = *ttl;
    }
  }
  return result;
}

const cache_policy* policy_of(const std::vector<cache_policy>& policies, std::string_view tenant,
                              std::string_view model) {
  for (auto& x : policies)
    if ((x.tenant.empty() || x.tenant == tenant) && (x.model.empty() || x.model == model))
      return &x;
  return nullptr;
}

cache_terms cache_terms_of(const cache_settings& settings, std::string_view tenant,
                           std::string_view model) {
  cache_terms result;
  result.stale_while_revalidate = settings.stale_while_revalidate;
  result.similar = settings.similar.enabled;
  auto* policy = policy_of(settings.policies, tenant, model);
  if (!policy)
    return result;
  result.enabled = policy->enabled.value_or(true);
  result.ttl = policy->ttl.value_or(result.ttl);
  result.stale_while_revalidate =
      policy->stale_while_revalidate.value_or(result.stale_while_revalidate);
  result.similar = policy->similar.value_or(result.similar);
  result.error_rate_max = policy->error_rate_max.value_or(result.error_rate_max);
  result.any_conversation = policy->any_conversation.value_or(false);
  return result;
}

bool answers_by_meaning(const cache_settings& settings) {
  return settings.similar.enabled || std::any_of(settings.policies.begin(), settings.policies.end(),
                                                 [](auto& x) { return x.similar.value_or(false); });
}

fingerprint cache_key_of(const fingerprint& exact, reply_mode mode, bool include_usage) {
  if (!exact)
    return {};
  // A fingerprint is a hash: what differs in one bit is another key.
  auto way = (mode == reply_mode::stream ? 1U : 0U) + (include_usage ? 2U : 0U);
  return {exact.high ^ way, exact.low};
}

bool may_keep(std::string_view content, const call_share& share) {
  return share.packed == 0 && !share.joined && !has_calls(content, R"("tool_calls")") &&
         !has_calls(content, R"("function_call")");
}

} // namespace sluice
