#pragma once

#include "actors/cache/semantic/text_judge.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace sluice {

/// A form as it is kept with its answer: a version byte, `form_version` of its judge, the vector's
/// length, the vector in 16-bit fractions of 1 (which changes a cosine by less than 0.0001), the
/// facts.
std::string form_bytes(const question_form& x, uint32_t form_version);

/// Nothing where `bytes` are of another version or another length of vector than `judge` compares.
std::optional<question_form> form_of(std::string_view bytes, const text_judge& judge);

} // namespace sluice
