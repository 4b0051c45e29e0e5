#pragma once

#include <span>
#include <string>
#include <string_view>

namespace sluice {

/// A provider that the program knows: its key in the environment is enough.
struct known_provider {
  std::string_view name;
  std::string_view kind; ///< OpenTelemetry gen_ai.provider.name
  std::string_view key_variable;
  std::string_view url_variable; ///< empty where the provider's SDK has none
  std::string_view url;
};

std::span<const known_provider> known_providers();

/// The row of `name`; null where there is none.
const known_provider* find_known_provider(std::string_view name);

/// The known kind whose own address `url` is; that of an unknown server is `name`, so that no price
/// list is applied to it by mistake.
std::string provider_kind_of(const std::string& url, const std::string& name);

} // namespace sluice
