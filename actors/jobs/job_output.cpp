#include "actors/jobs/job_output.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace sluice {

namespace {

std::string json_text(std::string_view text) {
  return nlohmann::json(std::string{text})
      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string begin(const output_name& name) {
  return R"({"id":"batch_req_)" + name.batch.substr(name.batch.find('_') + 1) + "_" +
         std::to_string(name.number) + R"(","custom_id":)" + json_text(name.custom_id);
}

/// Whether the provider refused the request and not us.
bool refused_request(const failure& why) {
  return why.code == ec::upstream_rejected && why.upstream_status >= 400 &&
         why.upstream_status < 500 && why.upstream_status != 401 && why.upstream_status != 403;
}

} // namespace

std::string response_line(const output_name& name, uint16_t status, std::string_view body) {
  auto result = begin(name) + R"(,"response":{"status_code":)" + std::to_string(status) +
                R"(,"request_id":)" + json_text(name.request_id) + R"(,"body":)";
  auto from = result.size();
  result.append(body);
  // Between the tokens of JSON they mean nothing, and within a string they cannot stand.
  std::replace_if(
      result.begin() + static_cast<std::ptrdiff_t>(from), result.end(),
      [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return result + "},\"error\":null}\n";
}

std::string error_line(const output_name& name, std::string_view code, std::string_view message) {
  return begin(name) + R"(,"response":null,"error":{"code":)" + json_text(code) + R"(,"message":)" +
         json_text(message) + "}}\n";
}

uint16_t status_of_failure(const failure& why) {
  if (refused_request(why))
    return static_cast<uint16_t>(why.upstream_status);
  auto code = why.code == ec::upstream_rejected ? ec::upstream_failed : why.code;
  auto status = properties(code).http_status;
  return status == 0 ? uint16_t{500} : status;
}

std::string body_of_failure(const failure& why) {
  if (refused_request(why) && !why.upstream_body.empty())
    return why.upstream_body;
  auto& row = properties(why.code);
  nlohmann::ordered_json error;
  error["message"] = why.message.empty() ? std::string{row.sentence} : why.message;
  error["type"] = std::string{row.type};
  if (why.param.empty())
    error["param"] = nullptr;
  else
    error["param"] = why.param;
  error["code"] = std::string{row.name};
  return nlohmann::ordered_json{{"error", std::move(error)}}.dump(
      -1, ' ', false, nlohmann::json::error_handler_t::replace);
}

} // namespace sluice
