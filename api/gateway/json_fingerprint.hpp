#pragma once

#include "api/gateway/merge_rules.hpp"
#include "runtime/messages.hpp"

#include <simdjson.h>

namespace sluice {

/// What a request to `kind` may share. Nothing, where it wants an answer of its own: a temperature
/// above the limit without a `seed`, or `store: true`, which makes the provider keep each answer.
///
/// Two requests are equal where their JSON is, whatever the order of keys, blanks and escapes, but
/// for the fields that change no answer. Schemas and tools are the exception: models write the
/// fields in the order of the schema, so there the order of keys counts. Numbers are equal where
/// every reader gets the same 64-bit integer or double. `stream` and `usage` options are left out:
/// calls that differ in them are kept apart by their mode.
merge_terms merge_terms_of(endpoint kind, simdjson::dom::object request, const merge_rules& rules);

} // namespace sluice
