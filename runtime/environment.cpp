#include "runtime/environment.hpp"

#include <cstdlib>

namespace sluice {

environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value ? std::optional<std::string>{value} : std::nullopt;
  };
}

std::optional<std::string> non_empty(const environment& env, const std::string& name) {
  auto value = env(name);
  return value && !value->empty() ? value : std::nullopt;
}

} // namespace sluice
