#include "api/gateway/routes.hpp"

#include "runtime/hex.hpp"

#include <algorithm>
#include <array>

namespace sluice {

namespace {

using target = route_match::target;

struct row {
  std::string_view methods; ///< as `Allow` has them
  std::string_view path;
  target what;
  endpoint kind;
};

constexpr std::array<row, 11> table{{
    {"POST", "/v1/chat/completions", target::inference, endpoint::chat_completions},
    {"POST", "/v1/completions", target::inference, endpoint::completions},
    {"POST", "/v1/embeddings", target::inference, endpoint::embeddings},
    {"GET", "/v1/models", target::model_list, {}},
    {"DELETE", "/v1/cache", target::cache, {}},
    {"GET", "/v1/usage", target::usage, {}},
    {"GET, PUT", "/v1/budgets", target::budgets, {}},
    {"GET", "/healthz", target::health, {}},
    {"GET", "/readyz", target::ready, {}},
    {"GET", "/metrics", target::metrics, {}},
    {"GET", "/openapi.json", target::openapi, {}},
}};

constexpr std::string_view model_prefix = "/v1/models/";

bool takes(std::string_view methods, std::string_view method) {
  while (!methods.empty()) {
    auto one = methods.substr(0, methods.find(','));
    if (one == method)
      return true;
    methods.remove_prefix(std::min(one.size() + 2, methods.size())); // the blank, too
  }
  return false;
}

} // namespace

std::string percent_decoded(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 &&
        hex_digit(text[i + 2]) >= 0) {
      result.push_back(static_cast<char>(16 * hex_digit(text[i + 1]) + hex_digit(text[i + 2])));
      i += 2;
    } else {
      result.push_back(text[i]);
    }
  }
  return result;
}

std::string query_parameter(std::string_view target, std::string_view name) {
  auto start = target.find('?');
  target.remove_prefix(start == target.npos ? target.size() : start + 1);
  target = target.substr(0, target.find('#'));
  while (!target.empty()) {
    auto pair = target.substr(0, target.find('&'));
    target.remove_prefix(std::min(pair.size() + 1, target.size()));
    auto equals = std::min(pair.find('='), pair.size());
    if (pair.substr(0, equals) == name)
      return percent_decoded(pair.substr(std::min(equals + 1, pair.size())));
  }
  return {};
}

std::string_view method_name(std::string_view method) {
  for (std::string_view known :
       {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"})
    if (method == known)
      return known;
  return "other";
}

route_match match_route(std::string_view method, std::string_view path) {
  if (method == "HEAD")
    method = "GET";
  route_match result;
  result.name = "other";
  if (path.starts_with(model_prefix) && path.size() > model_prefix.size()) {
    result.what = method == "GET" ? target::model : target::wrong_method;
    result.allow = "GET";
    result.name = "/v1/models/{id}";
    result.model = percent_decoded(path.substr(model_prefix.size()));
    return result;
  }
  if (auto job = match_job_path(method, path)) {
    result.what = job->what == job_operation::none ? target::wrong_method : target::jobs;
    result.allow = job->allow;
    result.name = job->name;
    result.job = *job;
    return result;
  }
  for (auto& x : table)
    if (x.path == path) {
      result.what = takes(x.methods, method) ? x.what : target::wrong_method;
      result.kind = x.kind;
      result.allow = x.methods;
      result.name = x.path;
    }
  return result;
}

} // namespace sluice
