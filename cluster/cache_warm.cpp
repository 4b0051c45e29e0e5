#include "cluster/cache_warm.hpp"

#include "runtime/ec.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <mutex>
#include <thread>

namespace sluice {

namespace {

/// What models take at most, and a little more.
constexpr std::chrono::minutes patience{10};

/// Problems that are told: what is wrong with most lines is the same.
constexpr size_t problems_max = 10;

/// The lines of a file, shared by those who ask them.
class warming {
public:
  warming(std::istream& lines, const warm_settings& settings)
      : lines_(lines), settings_(settings) {}

  /// Asks line by line until there is none.
  void run() {
    std::string line;
    uint64_t number = 0;
    while (next(line, number)) {
      auto request = read_warm_line(line);
      if (!request) {
        refuse(number, message_of(request.error()));
        continue;
      }
      node_request ask{"POST", std::move(request->target), settings_.key, std::move(request->body),
                       patience};
      auto reply = ask_node(settings_.url, ask);
      if (!reply)
        return stop(reply.error());
      count(number, *reply);
    }
  }

  caf::expected<warm_report> result() {
    if (failed_)
      return failed_;
    return std::move(report_);
  }

private:
  bool next(std::string& line, uint64_t& number) {
    std::lock_guard hold{lock_};
    while (!failed_ && std::getline(lines_, line)) {
      number = ++number_;
      if (line.find_first_not_of(" \t\r") == std::string::npos)
        continue;
      auto held = static_cast<int64_t>(asking_ + 1) * dearest_.value;
      if (settings_.cost_max.value >= 0 &&
          report_.cost.value + held >= std::max<int64_t>(settings_.cost_max.value, 1)) {
        ++report_.left_out;
        continue;
      }
      ++asking_;
      return true;
    }
    return false;
  }

  void stop(const caf::error& why) {
    std::lock_guard hold{lock_};
    failed_ = why;
  }

  void refuse(uint64_t number, const std::string& why) {
    std::lock_guard hold{lock_};
    --asking_;
    ++report_.refused;
    if (report_.problems.size() < problems_max)
      report_.problems.push_back("line " + std::to_string(number) + ": " + why);
  }

  void count(uint64_t number, const node_reply& reply) {
    if (reply.status != 200)
      return refuse(number, reply.problem());
    auto cost = parse_usd_nanos(reply.field("x-sluice-cost-usd")).value_or(0);
    auto cache = reply.field("x-sluice-cache");
    std::lock_guard hold{lock_};
    --asking_;
    dearest_ = std::max(dearest_, nanousd{cost});
    report_.cost += nanousd{cost};
    ++(cache == "miss" ? report_.fetched : cache.empty() ? report_.not_kept : report_.known);
  }

  std::istream& lines_;
  const warm_settings& settings_;
  std::mutex lock_;
  uint64_t number_ = 0;
  uint64_t asking_ = 0;
  nanousd dearest_;
  warm_report report_;
  caf::error failed_;
};

} // namespace

caf::expected<warm_line> read_warm_line(const std::string& line) {
  auto parsed = nlohmann::json::parse(line, nullptr, false);
  if (!parsed.is_object())
    return make_error(ec::bad_argument, "is no JSON object");
  warm_line result;
  if (parsed.contains("body")) {
    auto url = parsed.find("url");
    if (!parsed["body"].is_object() || url == parsed.end() || !url->is_string())
      return make_error(ec::bad_argument, "'body' must be an object, with a 'url' beside it");
    result.target = url->get<std::string>();
    auto known = result.target == "/v1/chat/completions" || result.target == "/v1/completions" ||
                 result.target == "/v1/embeddings";
    if (!known)
      return make_error(ec::bad_argument, "'url' is none that the cache answers");
    result.body = parsed["body"].dump();
    return result;
  }
  if (parsed.contains("messages"))
    result.target = "/v1/chat/completions";
  else if (parsed.contains("prompt"))
    result.target = "/v1/completions";
  else if (parsed.contains("input"))
    result.target = "/v1/embeddings";
  else
    return make_error(ec::bad_argument, "has neither messages nor prompt nor input nor body");
  result.body = line;
  return result;
}

caf::expected<warm_report> warm_cache(std::istream& lines, const warm_settings& settings) {
  warming all{lines, settings};
  std::vector<std::thread> threads;
  for (uint32_t i = 0; i < std::max(settings.in_flight, 1U); ++i)
    threads.emplace_back([&all] { all.run(); });
  for (auto& each : threads)
    each.join();
  return all.result();
}

std::string to_text(const warm_report& x) {
  auto result =
      fmt::format("{} fetched, {} were kept before, {} are nothing the cache keeps, {} "
                  "refused, {} left out for the budget; cost ${}\n",
                  x.fetched, x.known, x.not_kept, x.refused, x.left_out, to_usd_string(x.cost));
  for (auto& each : x.problems)
    result += each + '\n';
  return result;
}

std::string to_json(const warm_report& x) {
  nlohmann::ordered_json result{{"fetched", x.fetched},   {"known", x.known},
                                {"not_kept", x.not_kept}, {"refused", x.refused},
                                {"left_out", x.left_out}, {"cost_usd", to_usd_string(x.cost)},
                                {"problems", x.problems}};
  return result.dump(2) + '\n';
}

} // namespace sluice
