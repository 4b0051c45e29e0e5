#include "api/sim/sim_refusal.hpp"

#include "api/sim/sim_json.hpp"

#include <utility>

namespace sluice {

sim_refusal refusal_of_status(uint16_t status) {
  if (status == 401)
    return {status,
            "[simulated] Incorrect API key provided.",
            "invalid_request_error",
            {},
            "invalid_api_key"};
  if (status == 429)
    return {status, "[simulated] Rate limit reached.", "requests", {}, "rate_limit_exceeded"};
  if (status == 503)
    return {status,
            "[simulated] The engine is currently overloaded, please try again later.",
            "server_error",
            {},
            {}};
  if (status >= 500)
    return {status,
            "[simulated] The server had an error while processing your request.",
            "server_error",
            {},
            {}};
  return {status, "[simulated] The request was refused.", "invalid_request_error", {}, {}};
}

std::string error_body(const sim_refusal& refusal) {
  std::string out = R"({"error":{"message":)";
  append_json_string(out, refusal.message);
  out += R"(,"type":)";
  append_json_string(out, refusal.type);
  for (auto [name, value] :
       {std::pair{R"(,"param":)", &refusal.param}, {R"(,"code":)", &refusal.code}}) {
    out += name;
    if (value->empty())
      out += "null";
    else
      append_json_string(out, *value);
  }
  out += R"(},"simulated":true})";
  return out;
}

} // namespace sluice
