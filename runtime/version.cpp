#include "runtime/version.hpp"

namespace sluice {

std::string version() { return SLUICE_VERSION; }

} // namespace sluice
