#include "cluster/ledger_lines.hpp"

#include "runtime/ledger_chain.hpp"
#include "runtime/time_zone.hpp"
#include "runtime/timestamp.hpp"

#include <array>
#include <charconv>
#include <utility>

namespace sluice {

namespace {

using json = nlohmann::ordered_json;

constexpr std::array<std::pair<charge_flag, std::string_view>, 6> flags_by_name{{
    {charge_flag::assumed, "assumed"},
    {charge_flag::overrun, "overrun"},
    {charge_flag::estimated, "estimated"},
    {charge_flag::unsent, "unsent"},
    {charge_flag::joined, "joined"},
    {charge_flag::failed, "failed"},
}};

std::string time_text(wall_time at) {
  timestamp_writer writer;
  return std::string{writer.text(at)};
}

std::string date_text(std::chrono::sys_days day) {
  return time_text(day).substr(0, 10);
}

std::string id_text(const charge_id& x) {
  return std::to_string(x.node) + "-" + std::to_string(x.incarnation) + "-" +
         std::to_string(x.number);
}

std::string hex(const std::string& bytes) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string result;
  for (auto c : bytes) {
    result += digits[static_cast<unsigned char>(c) >> 4];
    result += digits[static_cast<unsigned char>(c) & 15];
  }
  return result;
}

/// RFC 4180: quoted where it has to be, quotes doubled.
std::string csv_text(const std::string& x) {
  if (x.find_first_of(",\"\r\n") == std::string::npos)
    return x;
  std::string result = "\"";
  for (auto c : x) {
    if (c == '"')
      result += '"';
    result += c;
  }
  return result + '"';
}

std::string period_text(const ledger_account& x) {
  auto zone = time_zone::find(x.zone);
  return std::string{to_string_view(x.period)} + " " +
         period_at(x.period, zone ? *zone : time_zone{}, x.begin).name() + " (" + x.zone + ")";
}

} // namespace

std::string flag_names(uint32_t flags) {
  std::string result;
  for (auto& [flag, name] : flags_by_name)
    if ((flags & static_cast<uint32_t>(flag)) != 0)
      (result += result.empty() ? "" : " ") += name;
  return result;
}

json row_json(const numbered_row& x) {
  auto& charge = x.row.charge;
  auto& purpose = charge.purpose;
  auto& owner = purpose.owner;
  auto& outcome = x.row.outcome;
  return {{"row", x.number},
          {"reserved", time_text(charge.reserved)},
          {"settled", time_text(x.row.settled)},
          {"charge", id_text(charge.id)},
          {"request_id", purpose.request_id},
          {"attempt", purpose.attempt},
          {"route", purpose.route},
          {"tenant", owner.tenant},
          {"team", owner.team},
          {"user", owner.user},
          {"key", owner.key_id},
          {"model", purpose.model},
          {"deployment", purpose.deployment},
          {"price_version", purpose.price_version},
          {"input_tokens", outcome.usage.input},
          {"cache_read_tokens", outcome.usage.cache_read},
          {"cache_write_tokens", outcome.usage.cache_write},
          {"output_tokens", outcome.usage.output},
          {"reasoning_tokens", outcome.usage.reasoning},
          {"most_nanousd", charge.most.value},
          {"cost_nanousd", cost_of(x.row).value},
          {"counterfactual_nanousd", outcome.counterfactual.value},
          {"flags", flag_names(outcome.flags)}};
}

std::string csv_head() {
  std::string result;
  auto row = row_json({});
  for (auto& [name, value] : row.items())
    (result += result.empty() ? "" : ",") += name;
  return result;
}

std::string row_csv(const numbered_row& x) {
  std::string result;
  auto row = row_json(x);
  for (auto& [name, value] : row.items()) {
    if (name != "row")
      result += ',';
    result += value.is_string() ? csv_text(value.get<std::string>()) : value.dump();
  }
  return result;
}

json account_json(const ledger_account& x, nanousd open) {
  json result{{"number", x.number},         {"scope", std::string{to_string_view(x.scope)}},
              {"tenant", x.owner.tenant},   {"team", x.owner.team},
              {"user", x.owner.user},       {"key", x.owner.key_id},
              {"model", x.model},           {"period", std::string{to_string_view(x.period)}},
              {"time_zone", x.zone},        {"begin", time_text(x.begin)},
              {"end", time_text(x.end)},    {"spent_nanousd", x.spent.value},
              {"open_nanousd", open.value}, {"overrun_nanousd", x.overrun.value},
              {"charges", x.charges}};
  if (x.limit) {
    result["limit_nanousd"] = x.limit->value;
    result["action"] = std::string{to_string_view(x.action)};
  }
  return result;
}

json day_json(const ledger_day& x) {
  json result{{"day", date_text(x.day)},
              {"charges", x.charges},
              {"spent_nanousd", x.spent.value},
              {"closed", x.closed}};
  if (x.closed) {
    result["last_row"] = x.last_row;
    result["chain"] = hex(x.chain);
  }
  return result;
}

std::string account_text(const ledger_account& x, nanousd open) {
  auto& name = x.scope == budget_scope::tenant ? x.owner.tenant
               : x.scope == budget_scope::team ? x.owner.team
               : x.scope == budget_scope::user ? x.owner.user
                                               : x.owner.key_id;
  auto result = std::string{to_string_view(x.scope)} + " '" + name + "'";
  if (x.scope != budget_scope::tenant)
    result += " of tenant '" + x.owner.tenant + "'";
  if (!x.model.empty())
    result += ", model '" + x.model + "'";
  result += ", " + period_text(x) + ": $" + to_usd_string(x.spent);
  if (x.limit)
    result += " of $" + to_usd_string(*x.limit);
  if (open > nanousd{})
    result += ", $" + to_usd_string(open) + " open";
  return result + ", " + std::to_string(x.charges) + " charges";
}

} // namespace sluice
