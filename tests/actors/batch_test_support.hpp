#pragma once

#include "actors/batching/batch_format.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::batch_test {

inline constexpr auto embeddings = endpoint::embeddings;
inline constexpr auto completions = endpoint::completions;
inline constexpr auto chat = endpoint::chat_completions;

/// The terms of a body that may be batched.
inline batch_terms terms(endpoint kind, const std::string& body) {
  auto result = read_batch_terms(kind, body);
  EXPECT_TRUE(result) << body;
  return result.value_or(batch_terms{});
}

inline std::string join(endpoint kind, const std::vector<std::string>& bodies) {
  std::vector<const std::string*> pointers;
  for (auto& x : bodies)
    pointers.push_back(&x);
  return join_requests(kind, pointers);
}

/// A reply and what was read from it. Prices differ in every bucket.
struct told {
  std::string body;
  token_usage usage;
  bool usage_known = true;
  std::optional<token_price> price = token_price{20'000'001, 5'000'000, 0, 1'600'003, 7'000'001};
};

inline caf::expected<std::vector<batch_part>> split(endpoint kind, const told& x,
                                                    const std::vector<batch_terms>& members) {
  return split_reply(kind, {x.body, x.usage, x.usage_known, x.price}, members);
}

inline batch_terms member(uint32_t inputs, int64_t tokens, uint32_t answers = 1) {
  return {{}, inputs, tokens, answers};
}

} // namespace sluice::batch_test
