#include "cluster/commands.hpp"
#include "cluster/node_client.hpp"
#include "runtime/ec.hpp"
#include "runtime/money.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <iostream>
#include <memory>

namespace sluice {

namespace {

using json = nlohmann::ordered_json;

struct budget_arguments {
  std::string url = default_node_url;
  std::string key; // of who asks
  std::string tenant;
  std::string team;
  std::string user;
  std::string owner_key; // whose budget it is
  std::string limit;
  std::string period;
  std::string time_zone;
  std::string model;
  std::string action;
  bool json = false;
};

int complain(const caf::error& why) {
  std::cerr << "sluice: " << message_of(why) << '\n';
  return code_of(why) == ec::bad_argument ? exit_usage : exit_failed;
}

/// A field of the reply, which another version of the node may have made.
std::string text_of(const json& x, const char* name) {
  auto found = x.find(name);
  if (found == x.end())
    return {};
  return found->is_string() ? found->get<std::string>() : found->dump();
}

/// "key 'ci' of tenant 'acme', model 'gpt-4o'"
std::string owner_text(const json& x) {
  std::string result;
  for (auto* name : {"key", "user", "team", "tenant"})
    if (auto text = text_of(x, name); !text.empty())
      result += (result.empty() ? "" : " of ") + std::string{name} + " '" + text + "'";
  if (auto model = text_of(x, "model"); !model.empty())
    result += ", model '" + model + "'";
  return result;
}

std::string budget_text(const json& x) {
  auto limit = text_of(x, "limit_usd");
  return owner_text(x) + ": " + (limit.empty() ? "no limit" : "$" + limit) + " a " +
         text_of(x, "period") + " (" + text_of(x, "time_zone") + "), " + text_of(x, "action") +
         ", set by " + text_of(x, "set_by") + "\n";
}

std::string account_text(const json& x) {
  auto limit = text_of(x, "limit_usd");
  auto result = owner_text(x) + ", " + text_of(x, "period") + " " + text_of(x, "period_name") +
                " (" + text_of(x, "time_zone") + "): $" + text_of(x, "spent_usd");
  if (!limit.empty())
    result += " of $" + limit;
  return result + " spent, $" + text_of(x, "reserved_usd") + " set aside\n";
}

int print(const budget_arguments& arguments, const node_request& request) {
  auto reply = ask_node(arguments.url, request);
  if (!reply)
    return complain(reply.error());
  auto parsed = json::parse(reply->body, nullptr, false);
  if (reply->status != 200 || !parsed.is_object() || !parsed.contains("data"))
    return complain(make_error(ec::io_failed, reply->problem()));
  if (arguments.json) {
    std::cout << parsed.dump(2) << '\n';
    return exit_ok;
  }
  std::cout << "Budgets\n";
  for (auto& x : parsed["data"])
    std::cout << "  " << budget_text(x);
  if (parsed["data"].empty())
    std::cout << "  none but the daily one of each tenant\n";
  std::cout << "Accounts\n";
  for (auto& x : parsed["accounts"])
    std::cout << "  " << account_text(x);
  if (parsed["accounts"].empty())
    std::cout << "  none: nothing was charged yet\n";
  return exit_ok;
}

node_request request_of(const budget_arguments& arguments) {
  node_request result;
  result.target = "/v1/budgets";
  result.key = arguments.key;
  return result;
}

int show(const budget_arguments& arguments) {
  return print(arguments, request_of(arguments));
}

/// What is right the node says, which knows its tenants and models.
int set(const budget_arguments& arguments) {
  json body;
  for (auto& [name, value] : std::initializer_list<std::pair<const char*, const std::string&>>{
           {"tenant", arguments.tenant},
           {"team", arguments.team},
           {"user", arguments.user},
           {"key", arguments.owner_key},
           {"period", arguments.period},
           {"time_zone", arguments.time_zone},
           {"model", arguments.model},
           {"action", arguments.action}})
    if (!value.empty())
      body[name] = value;
  if (arguments.limit == "none")
    body["limit"] = nullptr;
  else
    body["limit"] = arguments.limit;
  auto request = request_of(arguments);
  request.method = "PUT";
  request.body = body.dump(-1, ' ', false, json::error_handler_t::replace);
  return print(arguments, request);
}

} // namespace

void add_budget(CLI::App& app, int& result) {
  auto* command = app.add_subcommand("budget", "The budgets of a running node");
  command->require_subcommand(1);
  auto arguments = std::make_shared<budget_arguments>();
  auto add = [&](const char* name, const char* help, auto run) {
    auto* made = command->add_subcommand(name, help);
    made->add_flag("--json", arguments->json, "One JSON object in place of the text");
    made->add_option("--url", arguments->url, "The node")->capture_default_str();
    made->add_option("--key", arguments->key,
                     "A virtual key with 'admin: true'; SLUICE_API_KEY where not given")
        ->envname("SLUICE_API_KEY");
    made->callback([arguments, &result, run] { result = run(*arguments); });
    return made;
  };
  add("show", "All budgets, and how their accounts stand", show);
  auto* change = add("set",
                     "Another budget from now on, in the place of the one of the same owner, model "
                     "and period; it outlives a restart",
                     set);
  change->add_option("--tenant", arguments->tenant,
                     "Whose it is; \"*\": each one's. Beside one of the next three: whose that is");
  change->add_option("--team", arguments->team, "Whose it is");
  change->add_option("--user", arguments->user, "Whose it is");
  change->add_option("--of-key", arguments->owner_key, "Whose it is: the id of a key");
  change
      ->add_option("--limit", arguments->limit,
                   "US dollars; \"none\" for no limit; \"configured\" for what the configuration "
                   "says")
      ->required();
  change->add_option("--period", arguments->period, "day (the default), week or month");
  change->add_option("--time-zone", arguments->time_zone, "Of the IANA database; UTC by default");
  change->add_option("--model", arguments->model, "Counts only requests for it");
  change->add_option("--action", arguments->action, "refuse (the default), alert or downgrade");
}

} // namespace sluice
