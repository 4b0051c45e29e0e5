#pragma once

#include <string>
#include <string_view>

namespace sluice {

/// A text without what changes no question: case, blanks, and marks behind words.
std::string plain_text(std::string_view text);

} // namespace sluice
