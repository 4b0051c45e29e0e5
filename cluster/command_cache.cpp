#include "cluster/cache_quality.hpp"
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

int purge(const cache_arguments& arguments) {
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
  auto* gone = add("purge", "Forget answers on the disk of a node that does not run", purge);
  for (auto* each : {out, in, gone})
    each->add_option("--folder", arguments->folder, "The archive's folder")->capture_default_str();
  for (auto* each : {out, in})
    each->add_option("file", arguments->file, "The file")->required();
  gone->add_option("--tenant", arguments->tenant, "Those of a tenant");
  gone->add_flag("--all", arguments->everything, "All of them");
}

} // namespace sluice
