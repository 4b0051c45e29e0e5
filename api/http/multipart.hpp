#pragma once

#include <caf/expected.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// One field of a form.
struct form_part {
  std::string name;
  std::string filename; ///< empty where the field is no file
  bool is_file = false;
  std::string_view content; ///< within the body
};

/// Reads `body` as `multipart/form-data` (RFC 7578), strictly: a delimiter begins its line, nothing
/// but a line end stands behind it, every part has a Content-Disposition with a name, and nothing
/// stands before the first part or behind the last. Two programs could read anything else
/// differently. Fails with `unsupported_media_type` where `content_type` is another or has no
/// usable boundary, with `invalid_value` where the body is not as it says.
caf::expected<std::vector<form_part>> read_form(std::string_view content_type,
                                                std::string_view body);

} // namespace sluice
