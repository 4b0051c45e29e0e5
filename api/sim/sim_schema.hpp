#pragma once

#include <caf/expected.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>

namespace sluice {

/// A value that fits the JSON schema `schema`, following from `seed`. Heeded are type (one or
/// several), enum, const, properties, required, additionalProperties as a schema, items,
/// prefixItems, minItems, maxItems, minProperties, minimum, maximum, exclusiveMinimum,
/// exclusiveMaximum, multipleOf, minLength, maxLength, format (date-time, date, time, email, uri,
/// uuid, ipv4), anyOf, oneOf, allOf and $ref within the document. Not heeded are pattern, not, if,
/// contains, uniqueItems and dependencies. Optional properties are filled in while the value is
/// shallow. Fails with `invalid_value` where nothing was found that fits within the bounds.
caf::expected<nlohmann::json> sim_value_for(const nlohmann::json& schema, uint64_t seed);

} // namespace sluice
