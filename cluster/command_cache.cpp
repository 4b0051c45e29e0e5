#include "cluster/cache_quality.hpp"
#include "cluster/cache_warm.hpp"
#include "cluster/commands.hpp"
#include "cluster/node_metrics.hpp"
#include "runtime/ec.hpp"
#include "storage/answer_lines.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>

namespace sluice {

namespace {

struct cache_arguments {
  std::string url = default_node_url;
  std::string folder = "data/cache"; // where `sluice serve` keeps answers by default
  std::string file;
  std::string tenant;
  bool everything = false;
  std::string node; // that is asked to forget; empty for a folder
  std::string key;
  uint32_t in_flight = 4; // as many as the jobs of a node
  std::string cost_max;
  bool json = false;
};

int complain(const caf::error& why) {
  std::cerr << "sluice: " << message_of(why) << '\n';
  return code_of(why) == ec::bad_argument ? exit_usage : exit_failed;
}

int show(const cache_arguments& arguments, bool namespaces) {
  auto metrics = fetch_metrics(arguments.url);
  if (!metrics)
    return complain(metrics.error());
  auto x = read_cache_quality(*metrics);
  std::cout << (arguments.json ? to_json(x, namespaces) : to_text(x, namespaces));
  return exit_ok;
}

/// The archive of a node that does not run. Makes none: a wrong folder is a mistake.
caf::expected<std::unique_ptr<answer_store>> open_archive(const cache_arguments& arguments) {
  std::error_code ignored;
  if (!std::filesystem::exists(arguments.folder + "/CURRENT", ignored))
    return make_error(ec::io_failed, arguments.folder + " is no folder of kept answers");
  answer_store_settings settings;
  settings.path = arguments.folder;
  auto opened = answer_store::open(settings, std::chrono::system_clock::now());
  if (!opened)
    return opened.error();
  if (opened->what.begun_anew)
    std::cerr << "sluice: the archive was damaged and is begun anew: " << opened->what.reason
              << '\n';
  return std::move(opened->store);
}

void print(const cache_arguments& arguments, const nlohmann::ordered_json& x,
           const std::string& text) {
  std::cout << (arguments.json ? x.dump(2) : text) << '\n';
}

int export_to_file(const cache_arguments& arguments) {
  auto archive = open_archive(arguments);
  if (!archive)
    return complain(archive.error());
  std::ofstream out(arguments.file, std::ios::trunc);
  auto done = export_answers(**archive, std::chrono::system_clock::now(),
                             [&](std::string_view line) -> caf::error {
                               out << line << '\n';
                               return out ? caf::error{} : make_error(ec::io_failed);
                             });
  if (!done || !out.flush())
    return complain(!done && code_of(done.error()) != ec::io_failed
                        ? done.error()
                        : make_error(ec::io_failed, arguments.file + " cannot be written"));
  print(arguments, {{"exported", done->lines}, {"left_out", done->left_out}},
        std::to_string(done->lines) + " answers exported, " + std::to_string(done->left_out) +
            " left out that are not UTF-8");
  return exit_ok;
}

int import_from_file(const cache_arguments& arguments) {
  std::ifstream in(arguments.file);
  if (!in)
    return complain(make_error(ec::io_failed, arguments.file + " cannot be read"));
  auto archive = open_archive(arguments);
  if (!archive)
    return complain(archive.error());
  auto done =
      import_answers(**archive, std::chrono::system_clock::now(), [&](std::string& line) -> bool {
        return static_cast<bool>(std::getline(in, line));
      });
  if (!done)
    return complain(
        make_error(code_of(done.error()), arguments.file + ": " + message_of(done.error())));
  print(arguments, {{"imported", done->kept}, {"expired", done->expired}},
        std::to_string(done->kept) + " answers imported, " + std::to_string(done->expired) +
            " had expired");
  return exit_ok;
}

int warm(const cache_arguments& arguments) {
  warm_settings settings{arguments.url, arguments.key, arguments.in_flight, {-1}};
  if (!arguments.cost_max.empty()) {
    auto cost = parse_usd_nanos(arguments.cost_max);
    if (!cost || *cost < 0)
      return complain(make_error(ec::bad_argument, "--cost-max must be an amount of US dollars"));
    settings.cost_max = {*cost};
  }
  std::ifstream in(arguments.file);
  if (!in)
    return complain(make_error(ec::io_failed, arguments.file + " cannot be read"));
  auto done = warm_cache(in, settings);
  if (!done)
    return complain(done.error());
  std::cout << (arguments.json ? to_json(*done) : to_text(*done));
  return done->refused > 0 ? exit_failed : exit_ok;
}

/// Percent-encoded for a query: names of tenants have letters, digits and some marks.
std::string encoded(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string result;
  for (auto c : text) {
    auto byte = static_cast<unsigned char>(c);
    auto plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (plain)
      result += c;
    else
      result.append(1, '%').append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
  }
  return result;
}

/// Of a node that runs.
int purge_node(const cache_arguments& arguments) {
  node_request request;
  request.method = "DELETE";
  request.target = "/v1/cache";
  request.key = arguments.key;
  request.patience = std::chrono::minutes{2}; // what the node itself may take, and some
  if (arguments.everything)
    request.target += "?all=true";
  else if (!arguments.tenant.empty())
    request.target += "?tenant=" + encoded(arguments.tenant);
  auto reply = ask_node(arguments.node, request);
  if (!reply)
    return complain(reply.error());
  auto parsed = nlohmann::ordered_json::parse(reply->body, nullptr, false);
  if (reply->status != 200 || !parsed.is_object())
    return complain(make_error(ec::io_failed, reply->problem()));
  auto memory = parsed.value("memory", uint64_t{0});
  auto disk = parsed.value("disk", uint64_t{0});
  print(arguments, {{"memory", memory}, {"disk", disk}},
        std::to_string(memory) + " answers purged from memory, " + std::to_string(disk) +
            " from the disk");
  return exit_ok;
}

int purge(const cache_arguments& arguments) {
  if (!arguments.node.empty() && !(arguments.everything && !arguments.tenant.empty()))
    return purge_node(arguments);
  if (arguments.tenant.empty() != arguments.everything)
    return complain(make_error(ec::bad_argument, "purge needs --tenant NAME or --all, not both"));
  auto archive = open_archive(arguments);
  if (!archive)
    return complain(archive.error());
  answer_purge what;
  what.what = arguments.everything ? answer_purge::kind::everything : answer_purge::kind::tenant;
  what.tenant = arguments.tenant;
  auto count = (*archive)->purge(what);
  if (!count)
    return complain(count.error());
  print(arguments, {{"purged", *count}}, std::to_string(*count) + " answers purged");
  return exit_ok;
}

} // namespace

void add_cache(CLI::App& app, int& result) {
  auto* command = app.add_subcommand("cache", "What the cache holds, and how good it is");
  command->require_subcommand(1);
  auto arguments = std::make_shared<cache_arguments>();
  auto add = [&](const char* name, const char* help, auto run) {
    auto* made = command->add_subcommand(name, help);
    made->add_flag("--json", arguments->json, "One JSON object in place of the text");
    made->callback([arguments, &result, run] { result = run(*arguments); });
    return made;
  };
  auto* stats = add("stats", "What each level of a running node holds and answered",
                    [](auto& x) { return show(x, false); });
  auto* quality = add("quality",
                      "The same, and by namespace: hits by level, verified samples, estimated "
                      "error with its interval, tokens and dollars saved",
                      [](auto& x) { return show(x, true); });
  for (auto* each : {stats, quality})
    each->add_option("--url", arguments->url, "The node")->capture_default_str();
  auto* out = add("export", "Answers on the disk of a node that does not run, as JSON lines",
                  export_to_file);
  auto* in =
      add("import", "The inverse; what they mean is read when the node starts", import_from_file);
  auto* fill = add("warm",
                   "Ask a running node the requests of a file (JSON lines: bodies, or lines of a "
                   "batch), so that their answers are kept",
                   warm);
  auto* gone =
      add("purge",
          "Forget answers: of a running node with --url, otherwise on the disk of one that "
          "does not run",
          purge);
  for (auto* each : {out, in, gone})
    each->add_option("--folder", arguments->folder, "The archive's folder")->capture_default_str();
  fill->add_option("--url", arguments->url, "The node")->capture_default_str();
  fill->add_option("--in-flight", arguments->in_flight, "Requests at once")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  fill->add_option("--cost-max", arguments->cost_max, "US dollars that it may cost");
  gone->add_option("--url", arguments->node, "A running node");
  for (auto* each : {fill, gone})
    each->add_option("--key", arguments->key, "The virtual key; SLUICE_API_KEY where not given")
        ->envname("SLUICE_API_KEY");
  for (auto* each : {out, in, fill})
    each->add_option("file", arguments->file, "The file")->required();
  gone->add_option("--tenant", arguments->tenant,
                   "Those of a tenant; of a running node the key's own where not given");
  gone->add_flag("--all", arguments->everything, "All of them");
}

} // namespace sluice
