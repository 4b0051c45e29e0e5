#pragma once

#include "runtime/job_messages.hpp"

#include <caf/expected.hpp>

#include <string>
#include <string_view>

namespace sluice {

// Files and batches as OpenAI writes them.
std::string file_body(const file_object& x);
std::string file_list_body(const file_page& x);
std::string file_removed_body(const std::string& id);
std::string batch_body(const batch_object& x);
std::string batch_list_body(const batch_page& x);

/// Reads the body of `POST /v1/batches`; the owner is left to the caller. Fails with
/// `invalid_json`, `missing_field` or `invalid_value`.
caf::expected<batch_creation> read_batch_creation(const std::string& body);

} // namespace sluice
