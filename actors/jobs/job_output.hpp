#pragma once

#include "runtime/messages.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice {

/// Whose line of an output file it is.
struct output_name {
  std::string batch;
  uint32_t number = 0; ///< of the line
  std::string custom_id;
  std::string request_id;
};

/// `{"id","custom_id","response":{"status_code","request_id","body"},"error":null}` and the end of
/// the line. `body` is JSON; line ends in it become blanks, for the file has one line a request.
std::string response_line(const output_name& name, uint16_t status, std::string_view body);

/// A line that was not executed: without a response, with an error.
std::string error_line(const output_name& name, std::string_view code, std::string_view message);

/// The HTTP status that a request with this end would have had.
uint16_t status_of_failure(const failure& why);

/// OpenAI's error object: the provider's own where it refused the request itself.
std::string body_of_failure(const failure& why);

} // namespace sluice
