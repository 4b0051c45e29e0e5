#include "tests/actors/batch_test_support.hpp"
#include "tests/support/random_test.hpp"

#include <nlohmann/json.hpp>

#include <gmock/gmock.h>

#include <algorithm>

namespace sluice {
namespace {

using namespace batch_test;
using nlohmann::json;
using testing::SizeIs;

/// Makes requests, and answers as an upstream would: every item says whose it is.
class batch_format_property : public test::random_test {
protected:
  std::string text() {
    static constexpr const char* pieces[] = {"a", "word ", "\"", "\\", "]", "}",
                                             ",", "\n",    "é",  "中", "😀"};
    std::string result = "t" + std::to_string(serial_++) + " ";
    for (auto i = below(12); i > 0; --i)
      result += pieces[below(std::size(pieces))];
    return result;
  }

  json inputs(bool ids) {
    auto one = [&]() -> json {
      if (!ids)
        return text();
      json list = json::array();
      for (auto i = 1 + below(5); i > 0; --i)
        list.push_back(below(100'000));
      list.push_back(serial_++);
      return list;
    };
    if (below(2) == 0)
      return one();
    json list = json::array();
    for (auto i = 1 + below(5); i > 0; --i)
      list.push_back(one());
    return list;
  }

  /// As many spaces as come, or none; escapes outside ASCII, or none.
  std::string written(const json& x) {
    return x.dump(below(2) == 0 ? -1 : static_cast<int>(below(3)), ' ', below(2) == 0);
  }

  static std::vector<json> items_of(const json& inputs) {
    bool one = inputs.is_string() || inputs[0].is_number();
    return one ? std::vector<json>{inputs} : inputs.get<std::vector<json>>();
  }

  uint64_t serial_ = 0;
};

TEST_F(batch_format_property, everybody_gets_its_own_of_a_list) {
  for (int round = 0; round < 300; ++round) {
    auto kind = below(2) == 0 ? embeddings : completions;
    auto name = kind == embeddings ? "input" : "prompt";
    bool ids = below(2) == 0;
    auto n = kind == completions ? 1 + below(3) : 1;
    std::vector<std::string> bodies;
    std::vector<batch_terms> members;
    std::vector<std::vector<json>> own;
    for (auto i = 2 + below(12); i > 0; --i) {
      auto list = inputs(ids);
      json body{{"model", "m"}, {name, list}, {"user", "u"}};
      if (kind == completions)
        body["n"] = n;
      bodies.push_back(written(body));
      own.push_back(items_of(list));
      members.push_back(terms(kind, bodies.back()));
      ASSERT_EQ(members.back().group, members.front().group);
      ASSERT_EQ(members.back().inputs, own.back().size());
      ASSERT_GE(members.back().tokens, static_cast<int64_t>(own.back().size()));
    }
    auto joined = json::parse(join(kind, bodies));
    std::vector<json> data;
    for (size_t i = 0; i < joined[name].size(); ++i)
      for (size_t k = 0; k < n; ++k)
        data.push_back({{"index", i * n + k}, {"text", "x"}, {"of", joined[name][i]}, {"k", k}});
    std::ranges::shuffle(data, random);
    auto bucket = [&] { return static_cast<int64_t>(below(5'000)); };
    told whole{"", {bucket(), bucket(), 0, kind == completions ? bucket() : 0, 0}};
    whole.body = written({{"object", "list"},
                          {kind == embeddings ? "data" : "choices", data},
                          {"usage", {{"prompt_tokens", 1}}}});
    auto parts = split(kind, whole, members);
    ASSERT_TRUE(parts);
    ASSERT_EQ(parts->size(), members.size());
    token_usage used;
    nanousd paid;
    for (size_t i = 0; i < parts->size(); ++i) {
      auto& part = (*parts)[i];
      auto reply = json::parse(part.body);
      auto& items = reply[kind == embeddings ? "data" : "choices"];
      ASSERT_EQ(items.size(), own[i].size() * n);
      for (size_t k = 0; k < items.size(); ++k) {
        ASSERT_EQ(items[k]["index"], k);
        ASSERT_EQ(items[k]["k"], k % n);
        ASSERT_EQ(items[k]["of"], own[i][k / n]);
      }
      ASSERT_EQ(reply["usage"]["prompt_tokens"], part.usage.input_total());
      ASSERT_EQ(reply["usage"]["total_tokens"], part.usage.input_total() + part.usage.output);
      used.input += part.usage.input;
      used.cache_read += part.usage.cache_read;
      used.output += part.usage.output;
      paid += part.cost;
    }
    ASSERT_EQ(used, whole.usage);
    ASSERT_EQ(paid, *cost(whole.usage, *whole.price));
  }
}

TEST_F(batch_format_property, everybody_gets_its_own_chat) {
  for (int round = 0; round < 300; ++round) {
    std::vector<std::string> bodies;
    std::vector<batch_terms> members;
    std::vector<json> asked;
    for (auto i = 2 + below(12); i > 0; --i) {
      asked.push_back({{"model", "m"},
                       {"messages", {{{"role", "user"}, {"content", text()}}}},
                       {"temperature", static_cast<double>(below(20)) / 10}});
      bodies.push_back(written(asked.back()));
      members.push_back(terms(chat, bodies.back()));
      ASSERT_EQ(members.back().group, members.front().group);
    }
    auto joined = json::parse(join(chat, bodies));
    ASSERT_EQ(joined["requests"], json(asked));
    std::vector<json> data;
    std::vector<std::string> written_bodies;
    token_usage total;
    for (size_t i = 0; i < asked.size(); ++i) {
      bool fails = below(4) == 0;
      auto in = static_cast<int64_t>(1 + below(500)), out = static_cast<int64_t>(below(500));
      json body{{"said", joined["requests"][i]},
                {"usage", {{"prompt_tokens", in}, {"completion_tokens", out}}}};
      if (fails)
        body = {{"error", {{"message", joined["requests"][i]["messages"][0]["content"]}}}};
      else
        total = {total.input + in, 0, 0, total.output + out, 0};
      data.push_back({{"index", i}, {"status", fails ? 500 : 200}, {"body", body}});
    }
    auto in_order = data;
    std::ranges::shuffle(data, random);
    told whole{written({{"data", data}, {"model", "m"}}), total};
    auto parts = split(chat, whole, members);
    ASSERT_TRUE(parts);
    nanousd paid;
    for (size_t i = 0; i < parts->size(); ++i) {
      auto& part = (*parts)[i];
      auto& body = in_order[i]["body"];
      if (in_order[i]["status"] == 200) {
        ASSERT_EQ(json::parse(part.body), body);
        ASSERT_EQ(part.usage.input, body["usage"]["prompt_tokens"]);
        ASSERT_EQ(part.usage.output, body["usage"]["completion_tokens"]);
      } else {
        ASSERT_EQ(part.why.message, body["error"]["message"]);
        ASSERT_EQ(part.cost, nanousd{0});
      }
      paid += part.cost;
    }
    ASSERT_EQ(paid, *cost(whole.usage, *whole.price));
  }
}

TEST_F(batch_format_property, broken_replies_never_give_anybody_anothers) {
  told good{R"({"data":[{"index":0,"embedding":[0.5,"zero"]},{"index":1,"embedding":[1.5,"one"]}],)"
            R"("usage":{"prompt_tokens":2}})",
            {2, 0, 0, 0, 0}};
  for (int round = 0; round < 3'000; ++round) {
    auto x = good;
    for (auto i = 1 + below(3); i > 0; --i)
      x.body[below(x.body.size())] = "{}[],:\"0 1"[below(10)];
    auto parts = split(embeddings, x, {member(1, 1), member(1, 1)});
    if (!parts || !json::accept(x.body))
      continue; // upstreams' replies are validated before they come here
    for (auto& part : *parts)
      ASSERT_TRUE(json::accept(part.body)) << x.body << "\n" << part.body;
    ASSERT_THAT(*parts, SizeIs(2));
  }
}

} // namespace
} // namespace sluice
