#pragma once

#include "api/gateway/job_paths.hpp"
#include "runtime/messages.hpp"

#include <string>
#include <string_view>

namespace sluice {

/// What a request line asks for.
struct route_match {
  enum class target : uint8_t {
    inference,
    model_list,
    model,
    health,
    ready,
    metrics,
    openapi,
    cache,
    usage,
    budgets,
    jobs,
    unknown,
    wrong_method
  };
  target what = target::unknown;
  endpoint kind = endpoint::chat_completions; ///< of `inference`
  std::string_view name;  ///< the path template, for metrics: a literal; "other" where unknown
  std::string_view allow; ///< of `wrong_method`: the methods that it takes
  std::string model;      ///< of `model`: its id, percent-decoded
  job_path job;           ///< of `jobs`; points into the path
};

/// A parameter of the query in `target`; empty where it is not there.
std::string query_parameter(std::string_view target, std::string_view name);

/// `method` where HTTP knows it, otherwise "other": what a client makes up stays out of logs and
/// metrics.
std::string_view method_name(std::string_view method);

/// `text` with %41 as "A"; a `%` that stands for nothing stays.
std::string percent_decoded(std::string_view text);

/// HEAD is taken as GET, for load balancers ask so; the connection leaves the body out.
route_match match_route(std::string_view method, std::string_view path);

} // namespace sluice
