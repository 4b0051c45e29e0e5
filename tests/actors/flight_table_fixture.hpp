#pragma once

#include "actors/batching/flight_table.hpp"

#include <gtest/gtest.h>

namespace sluice {

using namespace std::chrono_literals;

inline constexpr uint64_t first_own = 1'000;
inline constexpr fingerprint key_a{1, 1};
inline constexpr fingerprint key_b{2, 2};

/// One flight table, whose orders the test reads and answers.
class flight_table_test : public ::testing::Test {
protected:
  flight_table_test() {
    settings.replay_bytes_max = 1'000;
    settings.joiners_max = 8;
    settings.stream_window = 100;
    settings.time_max = 60s;
  }

  flight_table& table() {
    if (!made_)
      made_ =
          std::make_unique<flight_table>(settings, first_own, std::make_unique<normalised_text>());
    return *made_;
  }

  static upstream_call call_of(uint64_t number, const fingerprint& exact,
                               reply_mode mode = reply_mode::whole) {
    upstream_call x;
    x.call = number;
    x.deployment = "p/m";
    x.mode = mode;
    x.body = shared_body{"body of " + std::to_string(number)};
    x.merge.exact = exact;
    return x;
  }

  void ask(uint64_t number, const fingerprint& exact, reply_mode mode = reply_mode::whole) {
    ask(call_of(number, exact, mode));
  }
  void ask(upstream_call x) {
    x.until.at = now + 10s;
    out.clear();
    take(table(), std::move(x));
  }
  /// Notes the call where it is to be made, with those of the other orders.
  void take(flight_table& by, upstream_call x) {
    if (by.take(x, now, out))
      out.calls.push_back(std::move(x));
  }
  void reply(uint64_t own, const std::string& body, call_timing timing = {}) {
    out.clear();
    upstream_reply x;
    x.call = own;
    x.body = body;
    x.usage.input = 7;
    x.usage_known = true;
    x.timing = timing;
    table().replied(std::move(x), now, out);
  }
  void fail(uint64_t own, ec code, std::chrono::milliseconds retry_after = -1ms) {
    out.clear();
    upstream_failure x{own, {}, {}};
    x.why.code = code;
    x.why.retry_after = retry_after;
    table().failed(std::move(x), now, out);
  }
  void block(uint64_t own, const std::string& events) {
    out.clear();
    table().streamed({own, events, 1, {{"h", "v"}}, {}}, out);
  }
  void end(uint64_t own, ec code = ec::none) {
    out.clear();
    stream_end x;
    x.call = own;
    x.why.code = code;
    table().ended(std::move(x), now, out);
  }
  void credit(uint64_t call, uint64_t bytes) {
    out.clear();
    table().credit({call, bytes}, out);
  }
  void cancel(uint64_t call) {
    out.clear();
    table().cancel(call, out);
  }

  template <class T>
  std::vector<T> answers() const {
    std::vector<T> result;
    for (auto& x : out.answers)
      if (auto* found = std::get_if<T>(&x.what))
        result.push_back(*found);
    return result;
  }
  /// Bytes that the upstream was given leave for.
  uint64_t leave() const {
    uint64_t result = 0;
    for (auto& x : out.notes)
      if (auto* found = std::get_if<stream_credit>(&x.what))
        result += found->bytes;
    return result;
  }
  bool cancelled(uint64_t own) const {
    for (auto& x : out.notes)
      if (auto* found = std::get_if<cancel_call>(&x.what); found && found->call == own)
        return true;
    return false;
  }

  flight_settings settings;
  steady_time now{1h};
  flight_orders out;

private:
  std::unique_ptr<flight_table> made_;
};

} // namespace sluice
