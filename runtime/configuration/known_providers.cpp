#include "runtime/configuration/known_providers.hpp"

#include "runtime/base_url.hpp"

#include <array>

namespace sluice {

namespace {

// Anthropic and Google serve OpenAI's API beside their own; these are its addresses.
constexpr std::array table{
    known_provider{"openai", "openai", "OPENAI_API_KEY", "OPENAI_BASE_URL",
                   "https://api.openai.com/v1"},
    known_provider{"anthropic", "anthropic", "ANTHROPIC_API_KEY", "",
                   "https://api.anthropic.com/v1"},
    known_provider{"gemini", "gcp.gemini", "GEMINI_API_KEY", "",
                   "https://generativelanguage.googleapis.com/v1beta/openai"},
};

std::string host_of(std::string_view url) {
  auto x = parse_base_url(url);
  return x ? x->host : std::string{};
}

} // namespace

std::span<const known_provider> known_providers() {
  return table;
}

const known_provider* find_known_provider(std::string_view name) {
  for (auto& x : table)
    if (x.name == name)
      return &x;
  return nullptr;
}

std::string provider_kind_of(const std::string& url, const std::string& name) {
  auto host = host_of(url);
  for (auto& x : table)
    if (!host.empty() && host_of(x.url) == host)
      return std::string{x.kind};
  return name;
}

} // namespace sluice
