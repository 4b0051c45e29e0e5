#pragma once

#include <string>

namespace sluice {

/// The program's version, "0.1.0": that of CMakeLists.txt.
std::string version();

} // namespace sluice
