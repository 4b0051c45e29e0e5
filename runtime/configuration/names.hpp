#pragma once

#include <algorithm>
#include <string_view>

/// Which names the configuration may give. They appear in logs, metrics and ids.
namespace sluice {

inline constexpr std::string_view short_name_allowed =
    "1 to 64 characters of a-z, A-Z, 0-9, '-', '_' and '.'";
inline constexpr std::string_view model_name_allowed = "1 to 128 printable characters, no spaces";

/// Names of providers and keys, tenants, teams and users. No slash: "provider/model" is a
/// deployment's id.
inline bool is_short_name(std::string_view x) {
  return !x.empty() && x.size() <= 64 && std::all_of(x.begin(), x.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
}

/// Names of models are the providers' choice: "meta-llama/Llama-3.1-8B", "qwen:7b".
inline bool is_model_name(std::string_view x) {
  return !x.empty() && x.size() <= 128 &&
         std::all_of(x.begin(), x.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

} // namespace sluice
