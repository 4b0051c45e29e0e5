#include "api/gateway/request_reader.hpp"
#include "tests/fuzz/fuzz_target.hpp"

#include <nlohmann/json.hpp>

/// Reads the input as the body of a request and rewrites it for an upstream. The two JSON libraries
/// must agree on what was accepted, and the rewritten body must be the same request with another
/// model: a body that gateway and provider understand differently is a way around its limits.
namespace sluice::fuzz {

namespace {

using nlohmann::json;

constexpr std::string_view upstream_model = "upstream/model";

struct outcome {
  inference_request request;
  std::string body;
  std::string rewritten;
  bool usage_asked = false;
};

violation check(const outcome& x) {
  auto body = json::parse(x.body, nullptr, false);
  if (!body.is_object())
    return "a body was accepted that another reader refuses";
  if (!body.contains("model") || body["model"] != x.request.model)
    return "the model read is not the body's";
  if (x.request.output_tokens_max < 0 || x.request.input_tokens <= 0)
    return "a count of tokens that cannot be";
  auto stream = body.contains("stream") && body["stream"] == true;
  if (x.request.stream != stream)
    return "'stream' is not the body's";
  auto rewritten = json::parse(x.rewritten, nullptr, false);
  if (rewritten.is_discarded())
    return "the rewritten body is no JSON";
  body["model"] = upstream_model;
  if (x.usage_asked) {
    if (!body["stream_options"].is_object())
      body["stream_options"] = json::object();
    body["stream_options"]["include_usage"] = true;
  }
  if (body != rewritten)
    return "the rewritten body is another request";
  return std::nullopt;
}

void canary() {
  outcome good;
  good.request.model = "m";
  good.request.input_tokens = 1;
  good.body = R"({"model":"m","messages":[1],"user":"u"})";
  good.rewritten = R"({"model":"upstream/model","messages":[1],"user":"u"})";
  expect_none(check(good));
  auto bad = good;
  bad.rewritten = R"({"model":"upstream/model","messages":[1]})";
  expect_found(check(bad), "a field that was lost");
  bad.rewritten = R"({"model":"m","messages":[1],"user":"u"})";
  expect_found(check(bad), "a model that was not replaced");
  bad.rewritten = R"({"model":"upstream/model","messages":[1],"user":"u)";
  expect_found(check(bad), "a body cut off");
  bad = good;
  bad.usage_asked = true;
  expect_found(check(bad), "usage that was not asked for");
  bad = good;
  bad.request.model = "another";
  expect_found(check(bad), "a model read wrongly");
  bad = good;
  bad.request.stream = true;
  expect_found(check(bad), "a stream that nobody asked for");
}

} // namespace

} // namespace sluice::fuzz

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  sluice::fuzz::canary();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sluice::fuzz;
  static sluice::request_reader reader; // keeps its memory between requests, as on a loop
  choices input{data, size};
  auto kind = static_cast<sluice::endpoint>(input.take() % 3);
  outcome x;
  x.body = input.rest();
  auto reading = reader.read(kind, x.body);
  if (reading.refusal) {
    if (reading.refusal->code == sluice::ec::none || reading.refusal->message.empty())
      expect_none("a refusal without a reason");
    return 0;
  }
  x.request = reading.request;
  // The usage is asked for in streams only; elsewhere providers refuse the option.
  x.usage_asked = x.request.stream && !x.request.include_usage;
  x.rewritten = reader.rewrite(x.body, upstream_model, x.usage_asked);
  expect_none(check(x));
  return 0;
}
