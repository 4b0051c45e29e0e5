#pragma once

#include <caf/expected.hpp>

#include <cstdint>
#include <string>

namespace sluice {

/// The number that `folder` keeps for its owner, drawn when it is asked for first: with it the keys
/// of answers are the same after a restart, and nobody else can foresee them. Fails with
/// `storage_failed`.
caf::expected<uint64_t> seed_of(const std::string& folder);

} // namespace sluice
