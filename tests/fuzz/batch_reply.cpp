#include "actors/batching/batch_format.hpp"
#include "actors/batching/pack_format.hpp"
#include "tests/fuzz/fuzz_target.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

/// Splits the input as an upstream's reply to a batch. Replies have been validated before they are
/// split, so only of valid ones more is asked than to be survived: everybody gets whole items of
/// the reply, nobody another's, and usage and cost are divided without a rest. Of the content of a
/// packed reply, which is a model's word, nothing has been validated.
namespace sluice::fuzz {

namespace {

using nlohmann::json;

constexpr token_price price{20'000'001, 5'000'000, 0, 1'600'003, 7'000'001};

struct outcome {
  endpoint kind = endpoint::embeddings;
  std::string body;
  token_usage usage;
  std::vector<batch_terms> members;
  std::vector<batch_part> parts;
};

std::string items_key(endpoint kind) {
  return kind == endpoint::completions ? "choices" : "data";
}

/// The item with this index; null where there is none.
json item_at(const json& items, uint64_t index) {
  for (const auto& x : items)
    if (x.is_object() && x.contains("index") && x["index"] == index)
      return x;
  return {};
}

violation check_sums(const outcome& x) {
  token_usage used;
  nanousd paid;
  for (const auto& part : x.parts) {
    used.input += part.usage.input;
    used.cache_read += part.usage.cache_read;
    used.output += part.usage.output;
    used.reasoning += part.usage.reasoning;
    paid += part.cost;
  }
  if (!(used == x.usage))
    return "the parts' usage does not sum to the call's";
  if (auto whole = cost(x.usage, price); !whole || paid != *whole)
    return "the parts' costs do not sum to the call's";
  return std::nullopt;
}

violation check_chat(const batch_part& part, const json& item) {
  if (item.is_null())
    return "a chat without an entry";
  if (part.why.code != ec::none)
    return part.body.empty() ? std::nullopt : violation{"a chat both failed and was answered"};
  if (json::parse(part.body, nullptr, false) != item.value("body", json{}))
    return "a chat has another's answer";
  return std::nullopt;
}

/// The `first`th item of the reply and those behind it must be the member's own.
violation check_list(const outcome& x, size_t member, uint64_t first, const json& items) {
  auto body = json::parse(x.parts[member].body, nullptr, false);
  if (!body.is_object() || !body[items_key(x.kind)].is_array())
    return "a part that is no reply";
  auto& own = body[items_key(x.kind)];
  if (own.size() != uint64_t{x.members[member].inputs} * x.members[member].answers)
    return "a member has more or less than its own";
  for (size_t i = 0; i < own.size(); ++i) {
    auto expected = item_at(items, first + i);
    expected["index"] = i;
    if (own[i] != expected)
      return "a member has another item than its own";
  }
  return std::nullopt;
}

violation check(const outcome& x) {
  if (x.parts.size() != x.members.size())
    return "not a part for each member";
  if (auto wrong = check_sums(x))
    return wrong;
  auto whole = json::parse(x.body, nullptr, false);
  // Where a name stands twice the two JSON libraries may differ in which they take.
  if (!whole.is_object() || !whole[items_key(x.kind)].is_array())
    return std::nullopt;
  auto items = whole[items_key(x.kind)];
  uint64_t first = 0;
  for (size_t i = 0; i < x.parts.size(); ++i) {
    auto wrong = x.kind == endpoint::chat_completions ? check_chat(x.parts[i], item_at(items, i))
                                                      : check_list(x, i, first, items);
    if (wrong)
      return wrong;
    first += uint64_t{x.members[i].inputs} * x.members[i].answers;
  }
  return std::nullopt;
}

void canary() {
  outcome good;
  good.body = R"({"data":[{"index":1,"a":1},{"index":0,"a":0}]})";
  good.members = {batch_terms{{}, 1, 1}, batch_terms{{}, 1, 1}};
  good.parts.resize(2);
  good.parts[0].body = R"({"data":[{"index":0,"a":0}]})";
  good.parts[1].body = R"({"data":[{"index":0,"a":1}]})";
  expect_none(check(good));
  auto bad = good;
  bad.parts[0].body = good.parts[1].body;
  expect_found(check(bad), "another's item");
  bad = good;
  bad.parts[0].body = good.body;
  expect_found(check(bad), "the neighbour's item beside one's own");
  bad = good;
  bad.parts[0].usage.input = 1;
  expect_found(check(bad), "usage out of nowhere");
  bad = good;
  bad.parts[0].cost.value = 1;
  expect_found(check(bad), "a nano-dollar too much");
  bad = good;
  bad.kind = endpoint::chat_completions;
  expect_found(check(bad), "an answer that no entry holds");
}

} // namespace

} // namespace sluice::fuzz

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  sluice::fuzz::canary();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sluice;
  fuzz::choices input{data, size};
  fuzz::outcome x;
  auto form = input.take() % 4;
  auto packed = form == 3;
  x.kind = packed ? endpoint::chat_completions : static_cast<endpoint>(form);
  bool chat = x.kind == endpoint::chat_completions;
  x.usage = {input.take(), input.take(), 0, input.take(), input.take()};
  for (auto i = 2 + input.take() % 3; i > 0; --i) {
    auto inputs = chat ? 1U : 1U + input.take() % 2U;
    auto answers = x.kind == endpoint::completions ? 1U + input.take() % 2U : 1U;
    x.members.push_back({{}, inputs, 1 + input.take(), answers});
  }
  x.body = input.rest();
  if (packed) {
    x.parts = split_packed({x.body, x.usage, true, fuzz::price}, x.members);
    fuzz::expect_none(fuzz::check_sums(x));
    return 0;
  }
  auto parts = split_reply(x.kind, {x.body, x.usage, true, fuzz::price}, x.members);
  if (!parts) {
    if (code_of(parts.error()) != ec::upstream_bad_response)
      fuzz::expect_none("a refusal with another code");
    return 0;
  }
  x.parts = std::move(*parts);
  if (!nlohmann::json::accept(x.body)) {
    fuzz::expect_none(fuzz::check_sums(x));
    return 0;
  }
  fuzz::expect_none(fuzz::check(x));
  return 0;
}
