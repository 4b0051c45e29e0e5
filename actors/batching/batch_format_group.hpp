#pragma once

#include "actors/batching/batch_format_json.hpp"
#include "runtime/messages.hpp"

namespace sluice {

/// Whether every field stands once and its name can be compared without decoding it. `sorted` is
/// by name.
bool plain_fields(const json_fields& sorted);

/// What groups are told apart by beside their fields.
struct group_terms {
  std::string_view form;     ///< what else has to be equal
  std::string_view left_out; ///< the field that may differ
  uint64_t seed = 0;         ///< see `read_batch_terms`
};

/// A hash of a text that only equal fields give: an object in the order of its names.
fingerprint group_of(const group_terms& terms, const json_fields& sorted);

} // namespace sluice
