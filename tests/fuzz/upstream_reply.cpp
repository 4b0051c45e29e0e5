#include "api/upstream/failure_of.hpp"
#include "api/upstream/response_parser.hpp"
#include "runtime/call_plan.hpp"
#include "tests/fuzz/fuzz_target.hpp"

#include <boost/asio/buffer.hpp>

#include <algorithm>
#include <utility>

/// Reads the input as an upstream's reply, once as a whole and once in small pieces, and then
/// decides what to do after it, for waits that upstreams ask for are their numbers in our clock.
namespace sluice::fuzz {

namespace {

namespace http = boost::beast::http;

constexpr uint64_t body_max = 1'024; // within reach of the inputs that a fuzzer makes

struct outcome {
  bool broken = false;
  bool done = false;
  bool keep_alive = false;
  size_t left = 0;
  response_head head;
  std::string body;
};

/// Does what a session with a provider does with what it receives, `piece` bytes at a time.
outcome read(std::string_view bytes, size_t piece) {
  outcome result;
  std::string in;
  std::optional<response_parser> parser;
  parser.emplace(body_max);
  while (!bytes.empty() && !parser->is_done() && !result.broken) {
    in.append(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    while (!in.empty() && !parser->is_done() && !result.broken) {
      boost::beast::error_code error;
      in.erase(0, parser->put(boost::asio::buffer(in), error));
      if (error == http::error::need_more)
        break;
      result.broken = bool{error};
      if (!error && parser->is_done() && parser->head.status / 100 == 1)
        parser.emplace(body_max);
    }
  }
  result.done = parser->is_done();
  result.keep_alive = result.done && parser->keep_alive();
  result.left = in.size() + bytes.size();
  result.head = parser->head;
  result.body = parser->body;
  return result;
}

violation check(const outcome& whole, const outcome& pieces) {
  if (whole.body.size() > body_max || pieces.body.size() > body_max)
    return "a body beyond the limit";
  // Where exactly a malformed reply is seen to be one may differ; whether a reply is used may not.
  auto used = whole.done && !whole.broken;
  if (used != (pieces.done && !pieces.broken))
    return "pieces come to another end than the whole";
  if (!used)
    return std::nullopt;
  if (whole.head.status != pieces.head.status || whole.body != pieces.body ||
      whole.left != pieces.left || whole.head.passed_on != pieces.head.passed_on)
    return "pieces give another reply than the whole";
  for (auto& [name, value] : whole.head.passed_on)
    if ((name + value).find_first_of(std::string_view{"\r\n\0", 3}) != std::string::npos)
      return "a field that would break the head of our own reply";
  return std::nullopt;
}

violation check_step(const next_step& step, const retry_settings& settings) {
  if (step.delay < std::chrono::milliseconds{0} || step.delay > settings.retry_after_max)
    return "a wait beyond the longest that is allowed";
  return std::nullopt;
}

void canary() {
  outcome whole;
  whole.done = true;
  auto pieces = whole;
  pieces.body = "x";
  expect_found(check(whole, pieces), "another body from pieces");
  pieces = whole;
  pieces.left = 1;
  expect_found(check(whole, pieces), "another end of the reply from pieces");
  whole.head.passed_on.emplace_back("x-ratelimit-a", "1\r\nSet-Cookie: a=b");
  expect_found(check(whole, whole), "a split response");
  whole = {};
  whole.body.assign(body_max + 1, 'x');
  expect_found(check(whole, whole), "a body beyond the limit");
  expect_found(check_step({next_step::kind::retry, std::chrono::hours{1}, {}}, {}), "a long wait");
}

} // namespace

} // namespace sluice::fuzz

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  sluice::fuzz::canary();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sluice::fuzz;
  choices input{data, size};
  auto piece = size_t{input.take()} % 16 + 1;
  auto bytes = input.rest();
  auto whole = read(bytes, bytes.size() + 1);
  expect_none(check(whole, read(bytes, piece)));
  if (!whole.done || whole.broken || whole.head.status / 100 == 2)
    return 0;
  auto why = sluice::failure_of(whole.head, std::move(whole.body));
  sluice::retry_settings settings;
  sluice::steady_time now{std::chrono::hours{1'000}};
  expect_none(check_step(
      sluice::after_failure(why, {}, settings, {now + std::chrono::minutes{10}}, now, piece),
      settings));
  return 0;
}
