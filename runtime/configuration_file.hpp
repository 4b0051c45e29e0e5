#pragma once

#include "runtime/configuration.hpp"
#include "runtime/environment.hpp"
#include "runtime/mistake.hpp"

#include <optional>
#include <string>
#include <vector>

/// Reads the configuration: a YAML file, the environment over it, the command line over both.
/// `docs/configuration.md` lists every setting.
namespace sluice {

struct loaded {
  configuration config;          ///< only to be used where there are no mistakes
  std::vector<mistake> mistakes; ///< every one, in the order of the file
};

/// What the command line says instead of the file.
struct listen_override {
  std::optional<std::string> address;
  std::optional<uint16_t> port;
};

/// Reads `file`, or nothing but the environment where none is given. Opens no connection, resolves
/// no name and writes nothing. Never throws.
loaded load_configuration(const std::optional<std::string>& file, const environment& env,
                          const listen_override& over = {});

} // namespace sluice
