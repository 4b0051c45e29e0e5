#pragma once

#include <string_view>

namespace sluice {

/// The text of `api/openapi.json`, built into the program: what `/openapi.json` answers.
std::string_view openapi_document();

} // namespace sluice
