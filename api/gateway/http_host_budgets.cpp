#include "api/gateway/budget_wish.hpp"
#include "api/gateway/error_reply.hpp"
#include "api/gateway/http_host.hpp"
#include "api/gateway/routes.hpp"
#include "api/gateway/usage_json.hpp"

#include <spdlog/spdlog.h>

/// `/v1/budgets`: an operator looks at all budgets, or changes one.
namespace sluice {

namespace {

/// A ledger that waits for its disk for longer is about to fail.
constexpr std::chrono::seconds budgets_time_max{5};

/// Who changed what, for the operator: money is at stake.
void log_change(const http_host_setup& setup, const std::string& key, const budget_change& x) {
  if (!setup.log)
    return;
  auto& rule = x.rule;
  auto what = x.undo          ? std::string{"as configured"}
              : !rule.limited ? std::string{"without a limit"}
                              : "to $" + to_usd_string(rule.limit) + " (" + rule.zone + ", " +
                                    std::string{to_string_view(rule.action)} + ")";
  setup.log->lines()->warn(
      "budget: key '{}' sets that of {} '{}' (tenant '{}', model '{}') for a {} {}", key,
      to_string_view(rule.scope), rule.name, rule.tenant, rule.model, to_string_view(rule.period),
      what);
}

} // namespace

void http_host::budgets(const http_request& request, std::shared_ptr<reply_sink> sink,
                        request_record&& record) {
  auto refuse_with = [&](const caf::error& why) {
    record.error = code_of(why);
    auto response = error_reply(make_failure(why), record.request_id);
    answer(request, *sink, std::move(record), std::move(response));
  };
  auto key = setup_.keys->authenticate(request.field("Authorization"), request.field("x-api-key"));
  if (!key)
    return refuse_with(key.error());
  auto& who = (*key)->settings;
  record.tenant = who.tenant;
  record.key_id = who.id;
  if (!who.admin)
    return refuse_with(make_error(ec::permission_denied,
                                  "Only a key with 'admin: true' may see and change all budgets."));
  if (!setup_.ledger)
    return refuse_with(make_error(ec::not_found, "Nothing is charged here."));
  auto changes = request.method == "PUT";
  auto change = changes ? read_budget_change(request.body, *setup_.settings)
                        : caf::expected<budget_change>{budget_change{}};
  if (!change)
    return refuse_with(change.error());
  record.at = std::chrono::system_clock::now();
  record.method = method_name(request.method);
  record.route = "/v1/budgets";
  record.request_bytes = request.body.size();
  auto finished = std::make_shared<request_record>(std::move(record));
  auto finish = [this, sink, finished,
                 started = std::chrono::steady_clock::now()](http_response&& response) {
    finished->status = response.status;
    finished->response_bytes = response.body.size();
    finished->duration = std::chrono::steady_clock::now() - started;
    sink->send(std::move(response));
    this->record(std::move(*finished));
  };
  auto succeed = [finish, finished](const budget_list& x) {
    http_response response;
    response.headers.emplace_back("x-request-id", finished->request_id);
    response.body = budgets_body(x);
    finish(std::move(response));
  };
  auto failed = [finish, finished](const caf::error& why) {
    auto late = code_of(why) == ec::storage_failed
                    ? make_failure(why)
                    : make_failure(ec::overloaded, "The ledger did not answer in time.");
    finished->error = late.code;
    finish(error_reply(late, finished->request_id));
  };
  if (!changes) {
    this->request(setup_.ledger, budgets_time_max, budget_query{}).then(succeed, failed);
    return;
  }
  log_change(setup_, who.id, *change);
  this->request(setup_.ledger, budgets_time_max, std::move(*change)).then(succeed, failed);
}

} // namespace sluice
