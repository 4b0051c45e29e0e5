#include "api/sim/sim_handler.hpp"

#include "api/sim/sim_exchange.hpp"

#include <optional>

namespace sluice {
namespace {

constexpr std::string_view root = "/v1/";
constexpr std::string_view models_path = "/v1/models";

std::optional<endpoint> endpoint_at(std::string_view path) {
  if (path.starts_with(root))
    for (auto kind : {endpoint::chat_completions, endpoint::completions, endpoint::embeddings,
                      endpoint::chat_batch})
      if (path.substr(root.size()) == path_of(kind))
        return kind;
  return std::nullopt;
}

http_response simulated(uint16_t status, std::string body) {
  http_response result;
  result.status = status;
  result.headers = {{"x-sluice-simulated", "true"}};
  result.body = std::move(body);
  return result;
}

http_response refusal(uint16_t status, std::string message, std::string code) {
  return simulated(
      status,
      error_body({status, std::move(message), "invalid_request_error", {}, std::move(code)}));
}

} // namespace

sim_handler::sim_handler(boost::asio::io_context& loop, std::shared_ptr<sim_engine> engine)
    : loop_(loop), engine_(std::move(engine)) {}

std::shared_ptr<http_exchange> sim_handler::handle(std::unique_ptr<http_request> request,
                                                   std::shared_ptr<reply_sink> sink) {
  auto path = request->path();
  auto kind = endpoint_at(path);
  bool lists = path.starts_with(models_path);
  auto method = std::string_view{kind ? "POST" : "GET"};
  if (!kind && !lists) {
    sink->send(refusal(404, "Unknown request URL: " + std::string{path} + ".", "unknown_url"));
  } else if (request->method != method) {
    auto response = refusal(405, "Not allowed to " + std::string{request->method} + " here.", {});
    response.headers.emplace_back("allow", method);
    sink->send(std::move(response));
  } else if (lists) {
    sink->send(models(path));
  } else {
    auto plan = engine_->plan(*kind, request->body, std::string{request->field("x-sluice-attempt")},
                              std::chrono::system_clock::now());
    request.reset(); // a stream can last, and its request may hold megabytes
    auto exchange = std::make_shared<sim_exchange>(loop_, engine_, std::move(sink));
    exchange->start(std::move(plan));
    if (!exchange->ended())
      return exchange;
  }
  return nullptr;
}

http_response sim_handler::models(std::string_view path) const {
  if (path == models_path)
    return simulated(200, engine_->models_json());
  auto name = path.substr(models_path.size());
  auto body = name.size() > 1 && name.front() == '/' ? engine_->model_json(name.substr(1)) : "";
  if (body.empty())
    return refusal(404, "The model does not exist.", "model_not_found");
  return simulated(200, std::move(body));
}

http_response sim_handler::refuse(ec code, std::string_view detail) {
  const auto& row = properties(code);
  auto result = simulated(row.http_status, error_body({row.http_status,
                                                       std::string{detail},
                                                       std::string{row.type},
                                                       {},
                                                       std::string{row.name}}));
  result.close = true;
  return result;
}

} // namespace sluice
