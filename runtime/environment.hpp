#pragma once

#include <functional>
#include <optional>
#include <string>

namespace sluice {

/// Looks a variable up: empty where it is not set. Passed in, so that a test has an environment of
/// its own and nothing below the command line reads the process's.
using environment = std::function<std::optional<std::string>(const std::string& name)>;

/// The variables of this process, read at each call.
environment process_environment();

/// `name` where it is set to something: deployment tools pass variables that nobody filled in as
/// empty ones.
std::optional<std::string> non_empty(const environment& env, const std::string& name);

} // namespace sluice
