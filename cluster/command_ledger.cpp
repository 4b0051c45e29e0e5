#include "cluster/commands.hpp"
#include "cluster/ledger_lines.hpp"
#include "cluster/ledger_parts.hpp"
#include "runtime/ec.hpp"
#include "storage/ledger_check.hpp"
#include "storage/ledger_store.hpp"

#include <CLI/CLI.hpp>

#include <filesystem>
#include <iostream>
#include <map>
#include <memory>

namespace sluice {

namespace {

struct ledger_arguments {
  std::string folder = "data/ledger"; // where `sluice serve` keeps it by default
  std::string other;                  // of a backup
  std::string format = "csv";
  std::string tenant;
  uint64_t from = 1;
  bool json = false;
};

/// Rows read at once: some hundred kilobytes.
constexpr uint32_t page_rows = 1'000;

int complain(const caf::error& why) {
  std::cerr << "sluice: " << message_of(why) << '\n';
  return exit_failed;
}

/// The ledger as it stands, whether a node uses it or not.
auto snapshot_of(const ledger_arguments& x) {
  return ledger_store::snapshot(x.folder);
}

std::string day_text(const ledger_day& x) {
  return "day " + day_json(x)["day"].get<std::string>() + " (UTC): $" + to_usd_string(x.spent) +
         " in " + std::to_string(x.charges) + " charges" + (x.closed ? ", closed" : "");
}

bool asked_for(const ledger_arguments& x, const charge_owner& owner) {
  return x.tenant.empty() || x.tenant == owner.tenant;
}

int show(const ledger_arguments& x) {
  auto ledger = snapshot_of(x);
  if (!ledger)
    return complain(ledger.error());
  auto accounts = (*ledger)->accounts();
  if (!accounts)
    return complain(accounts.error());
  auto days = (*ledger)->days();
  if (!days)
    return complain(days.error());
  auto open = (*ledger)->open();
  if (!open)
    return complain(open.error());
  std::map<uint32_t, nanousd> reserved;
  for (auto& charge : *open)
    for (auto number : charge.accounts)
      reserved[number] += charge.most;
  nlohmann::ordered_json report{{"accounts", nlohmann::ordered_json::array()},
                                {"days", nlohmann::ordered_json::array()}};
  for (auto& account : *accounts)
    if (asked_for(x, account.owner)) {
      report["accounts"].push_back(account_json(account, reserved[account.number]));
      if (!x.json)
        std::cout << account_text(account, reserved[account.number]) << '\n';
    }
  for (auto& day : *days) {
    report["days"].push_back(day_json(day));
    if (!x.json)
      std::cout << day_text(day) << '\n';
  }
  if (x.json)
    std::cout << report.dump(2) << '\n';
  return exit_ok;
}

int export_rows(const ledger_arguments& x) {
  auto ledger = snapshot_of(x);
  if (!ledger)
    return complain(ledger.error());
  auto csv = x.format == "csv";
  if (csv)
    std::cout << csv_head() << "\r\n";
  for (auto from = x.from;;) {
    auto rows = (*ledger)->rows(from, page_rows);
    if (!rows)
      return complain(rows.error());
    for (auto& row : *rows)
      if (asked_for(x, row.row.charge.purpose.owner)) {
        if (csv)
          std::cout << row_csv(row) << "\r\n";
        else
          std::cout << row_json(row).dump(-1, ' ', false,
                                          nlohmann::ordered_json::error_handler_t::replace)
                    << '\n';
      }
    if (rows->size() < page_rows)
      break;
    from = rows->back().number + 1;
  }
  if (!std::cout.flush())
    return complain(make_error(ec::io_failed, "the rows could not be written"));
  return exit_ok;
}

int check(const ledger_arguments& x) {
  auto ledger = snapshot_of(x);
  if (!ledger)
    return complain(ledger.error());
  auto found = verify(**ledger);
  if (!found)
    return complain(found.error());
  if (x.json) {
    nlohmann::ordered_json report{{"sound", found->sound()},
                                  {"rows", found->rows},
                                  {"sum_nanousd", found->sum.value},
                                  {"accounts", found->accounts},
                                  {"days", found->days},
                                  {"discrepancies", found->discrepancies},
                                  {"discrepancies_more", found->discrepancies_more}};
    std::cout << report.dump(2) << '\n';
  } else {
    for (auto& text : found->discrepancies)
      std::cout << text << '\n';
    if (found->discrepancies_more > 0)
      std::cout << "and " << found->discrepancies_more << " more\n";
    std::cout << found->rows << " rows of $" << to_usd_string(found->sum) << ", " << found->accounts
              << " accounts, " << found->days
              << " days: " << (found->sound() ? "all agree" : "they do not agree") << '\n';
  }
  return found->sound() ? exit_ok : exit_failed;
}

int back_up(const ledger_arguments& x) {
  auto ledger = snapshot_of(x);
  if (!ledger)
    return complain(ledger.error());
  if (auto error = (*ledger)->back_up(x.other))
    return complain(error);
  std::cout << "backed up to " << x.other << '\n';
  return exit_ok;
}

int restore(const ledger_arguments& x) {
  auto aside = ledger_store::restore(x.other, x.folder);
  if (!aside)
    return complain(aside.error());
  std::cout << "restored from " << x.other;
  if (!aside->empty())
    std::cout << "; what was in " << x.folder << " is now in " << *aside;
  std::cout << '\n';
  return exit_ok;
}

int close(const ledger_arguments& x) {
  auto before = snapshot_of(x); // and so none is made where there is none
  if (!before)
    return complain(before.error());
  auto ledger = ledger_store::open(x.folder, {});
  if (ledger) {
    if (auto error = close_days(**ledger, std::chrono::system_clock::now()))
      return complain(error);
  } else {
    std::cerr << "sluice: " << message_of(ledger.error())
              << "; a running node closes its days itself\n";
  }
  auto days = ledger ? (*ledger)->days() : (*before)->days();
  if (!days)
    return complain(days.error());
  auto report = nlohmann::ordered_json::array();
  for (auto& day : *days)
    if (day.closed) {
      report.push_back(day_json(day));
      if (!x.json)
        std::cout << day_text(day) << ", chain " << report.back()["chain"].get<std::string>()
                  << '\n';
    }
  if (x.json)
    std::cout << report.dump(2) << '\n';
  return ledger ? exit_ok : exit_failed;
}

} // namespace

void add_ledger(CLI::App& app, int& result) {
  auto* command = app.add_subcommand(
      "ledger", "What was spent. All but close and restore may be used while the node runs");
  command->require_subcommand(1);
  auto arguments = std::make_shared<ledger_arguments>();
  auto add = [&](const char* name, const char* help, auto run) {
    auto* made = command->add_subcommand(name, help);
    made->add_option("--data", arguments->folder, "The ledger's folder")->capture_default_str();
    made->callback([arguments, &result, run] { result = run(*arguments); });
    return made;
  };
  auto* shown = add("show", "Accounts and days: what they may spend and have", show);
  auto* rows = add("export", "Every charge, in the order in which they were settled", export_rows);
  auto* checked = add("verify", "Compute balances, days and the chain anew from the rows", check);
  auto* out = add("backup", "Copy it to a folder that does not exist yet", back_up);
  auto* in = add("restore", "Put a backup in its place, once that was verified", restore);
  auto* closed = add("close", "Close days that are over, as a start of the node does", close);
  for (auto* each : {shown, checked, closed})
    each->add_flag("--json", arguments->json, "One JSON object in place of the text");
  for (auto* each : {shown, rows})
    each->add_option("--tenant", arguments->tenant, "Only this one's");
  rows->add_option("--format", arguments->format, "csv (RFC 4180) or json, an object a line")
      ->check(CLI::IsMember({"csv", "json"}))
      ->capture_default_str();
  rows->add_option("--from", arguments->from, "The first row's number")->capture_default_str();
  for (auto* each : {out, in})
    each->add_option("backup", arguments->other, "The backup's folder")->required();
}

} // namespace sluice
