#include "api/upstream/sse_reader.hpp"
#include "tests/fuzz/fuzz_target.hpp"

#include <algorithm>

/// Reads the input as a stream of a provider's events, once as a whole and once in small pieces.
/// The client must get the same whole events either way, and never what is not for it.
namespace sluice::fuzz {

namespace {

struct outcome {
  std::string events;
  uint64_t count = 0;
  bool done = false;
  bool failed = false;
  bool committed = false;
  std::optional<token_usage> usage;
};

outcome read(std::string_view bytes, size_t piece, bool usage_wanted) {
  outcome result;
  sse_reader reader{{endpoint::chat_completions, usage_wanted}};
  while (!bytes.empty()) {
    reader.feed(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    uint32_t count = 0;
    result.events += reader.take(count);
    result.count += count;
  }
  result.done = reader.done();
  result.failed = reader.error().has_value();
  result.committed = reader.committed();
  result.usage = reader.usage();
  return result;
}

violation check_usage(const token_usage& x) {
  auto least = std::min({x.input, x.cache_read, x.cache_write, x.output, x.reasoning});
  return least < 0 ? violation{"a negative count of tokens"} : std::nullopt;
}

violation check(const outcome& whole, const outcome& pieces) {
  if (whole.done != pieces.done || whole.failed != pieces.failed ||
      whole.committed != pieces.committed)
    return "pieces come to another end than the whole";
  if (whole.events != pieces.events || whole.count != pieces.count || whole.usage != pieces.usage)
    return "pieces give other events than the whole";
  if (whole.events.empty() != (whole.count == 0))
    return "events that are not counted";
  if (!whole.events.empty() && !whole.events.ends_with("\n\n") && !whole.events.ends_with("\n\r\n"))
    return "a part of an event";
  if (("\n" + whole.events).find("\ndata: [DONE]\n\n") != std::string::npos)
    return "[DONE] handed out before the session ends the stream";
  return whole.usage ? check_usage(*whole.usage) : std::nullopt;
}

void canary() {
  outcome whole;
  whole.events = "data: {}\n\n";
  whole.count = 1;
  expect_none(check(whole, whole));
  auto bad = whole;
  bad.events = "data: {}\n\ndata: {\n";
  expect_found(check(bad, bad), "a part of an event");
  expect_found(check(whole, bad), "other events from pieces");
  bad.events = "data: {}\n\ndata: [DONE]\n\n";
  expect_found(check(bad, bad), "[DONE] handed out");
  bad = whole;
  bad.count = 0;
  expect_found(check(bad, bad), "events that are not counted");
  bad = whole;
  bad.usage = token_usage{-1, 0, 0, 0, 0};
  expect_found(check(bad, bad), "a negative count of tokens");
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
  auto choice = input.take();
  auto usage_wanted = choice >= 128;
  auto piece = size_t{choice} % 16 + 1;
  auto bytes = input.rest();
  expect_none(check(read(bytes, bytes.size() + 1, usage_wanted), read(bytes, piece, usage_wanted)));
  return 0;
}
