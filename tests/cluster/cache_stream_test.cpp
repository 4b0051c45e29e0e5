#include "cluster/bench/cache_stream.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

namespace sluice {

namespace {

std::vector<question_pair> some_pairs(size_t count) {
  std::vector<question_pair> result;
  for (size_t i = 0; i < count; ++i)
    result.push_back({"what is thing " + std::to_string(i) + "?",
                      "tell me of thing " + std::to_string(i),
                      i % 2 == 0,
                      {}});
  return result;
}

/// What is left of a text when trivial changes are taken away.
std::string bare(const std::string& text) {
  std::string result;
  for (auto c : text)
    if (std::isalnum(static_cast<unsigned char>(c)))
      result.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
  return result;
}

TEST(cache_stream_test, reference_streams_have_their_shapes) {
  for (auto* name : {"high", "mixed", "low"}) {
    SCOPED_TRACE(name);
    auto* shape = reference_stream(name);
    ASSERT_TRUE(shape);
    auto stream = make_stream(*shape, some_pairs(4'000), 2'000, 7);
    ASSERT_TRUE(stream);
    ASSERT_EQ(stream->size(), 2'000u);
    std::map<std::string, std::string> meaning_of; // by bare text
    std::set<std::string> texts;
    std::set<std::string> meanings;
    size_t exact = 0;
    size_t trivial = 0;
    size_t paraphrase = 0;
    for (auto& x : *stream) {
      auto known = meaning_of.find(bare(x.text));
      if (texts.count(x.text))
        ++exact;
      else if (known != meaning_of.end())
        ++trivial;
      else if (meanings.count(x.meaning))
        ++paraphrase;
      if (known != meaning_of.end()) {
        ASSERT_EQ(known->second, x.meaning) << "one text, two meanings";
      }
      meaning_of[bare(x.text)] = x.meaning;
      texts.insert(x.text);
      meanings.insert(x.meaning);
    }
    auto near = [](size_t count, double wanted) {
      EXPECT_NEAR(static_cast<double>(count) / 2'000, wanted, 0.03);
    };
    near(exact + trivial + paraphrase, shape->repeats);
    // Some trivial changes were made before, which makes them exact repeats.
    near(exact + trivial, shape->repeats * (1 - shape->paraphrase));
    near(paraphrase, shape->repeats * shape->paraphrase);
    EXPECT_EQ(make_stream(*shape, some_pairs(4'000), 2'000, 7)->back().text, stream->back().text);
  }
  EXPECT_EQ(reference_stream("other"), nullptr);
}

TEST(cache_stream_test, says_when_the_pairs_are_too_few) {
  auto stream = make_stream(*reference_stream("low"), some_pairs(10), 100, 1);
  EXPECT_FALSE(stream);
}

} // namespace

} // namespace sluice
