#include "cluster/batch_status.hpp"
#include "cluster/commands.hpp"
#include "runtime/base_url.hpp"
#include "runtime/ec.hpp"

#include <CLI/CLI.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <iostream>
#include <iterator>
#include <memory>

namespace sluice {

namespace {

/// Metrics are a few hundred kilobytes from a node nearby; a node that takes longer is ill.
constexpr std::chrono::seconds patience{5};

struct batch_arguments {
  std::string url = "http://127.0.0.1:8080"; // where `sluice serve` listens by default
  bool json = false;
};

/// The body of GET /metrics.
caf::expected<std::string> fetch_metrics(const base_url& from) {
  boost::asio::ip::tcp::iostream stream;
  stream.expires_after(patience);
  stream.connect(from.host, std::to_string(from.port));
  stream << "GET /metrics HTTP/1.0\r\nHost: " << from.host << "\r\n\r\n" << std::flush;
  std::string text{std::istreambuf_iterator<char>{stream}, {}};
  auto end = text.find("\r\n\r\n");
  if (text.empty() || end == std::string::npos)
    return make_error(ec::io_failed,
                      "no node answers at " + from.text() + ": " + stream.error().message());
  if (text.find(" 200 ") > text.find("\r\n"))
    return make_error(ec::io_failed, "the node at " + from.text() +
                                         " gives no metrics: " + text.substr(0, text.find("\r\n")));
  return text.substr(end + 4);
}

int show_status(const batch_arguments& arguments) {
  auto url = parse_base_url(arguments.url);
  if (!url || url->tls) {
    std::cerr << "sluice: --url must be http://host[:port] of a node\n";
    return exit_usage;
  }
  auto metrics = fetch_metrics(*url);
  if (!metrics) {
    std::cerr << "sluice: " << message_of(metrics.error()) << '\n';
    return exit_failed;
  }
  auto status = read_batch_status(*metrics);
  std::cout << (arguments.json ? to_json(status) : to_text(status));
  return exit_ok;
}

} // namespace

void add_batch(CLI::App& app, int& result) {
  auto* command = app.add_subcommand("batch", "What the batchers of a running node do");
  command->require_subcommand(1);
  auto arguments = std::make_shared<batch_arguments>();
  auto* status = command->add_subcommand(
      "status", "Size, calls side by side, learned latency and the reasons of each batcher");
  status->add_option("--url", arguments->url, "The node")->capture_default_str();
  status->add_flag("--json", arguments->json, "One JSON list in place of the text");
  status->callback([arguments, &result] { result = show_status(*arguments); });
}

} // namespace sluice
