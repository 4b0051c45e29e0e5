#pragma once

#include "runtime/configuration.hpp"

#include <caf/expected.hpp>

#include <string>
#include <string_view>

namespace sluice {

/// What the body of `PUT /v1/budgets` asks for: the fields of an element of `budgets` in the
/// configuration. Its `limit` may also be null, for none, or "configured", for what the
/// configuration says. Fails with `invalid_json`, `missing_field` or `invalid_value` and the field:
/// names that the node does not know among them, for a slip would be a budget that never counts.
caf::expected<budget_change> read_budget_change(std::string_view body,
                                                const configuration& settings);

} // namespace sluice
