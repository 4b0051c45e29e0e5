#include "cluster/bench/cache_capacity_data.hpp"

#include "actors/cache/encoder/row_math.hpp"

#include <fmt/format.h>

#include <cmath>
#include <random>

namespace sluice {

namespace {

constexpr uint64_t group_size = 20;

/// Two of a group: reworded questions on one subject, all of which a lookup has to look at.
constexpr float group_cosine = 0.9F;
/// Of what is asked to what is kept.
constexpr float asked_cosine = 0.95F;

/// Each kind of vector has its own random numbers.
enum class vector_kind : uint64_t { centre = 1, kept = 2, asked = 3 };

std::vector<float> direction(size_t width, vector_kind kind, uint64_t number) {
  std::mt19937_64 random{number * 4 + static_cast<uint64_t>(kind)};
  std::normal_distribution<float> each;
  std::vector<float> result(width);
  for (auto& x : result)
    x = each(random);
  normalise_length(result);
  return result;
}

/// Of two directions, which in so many dimensions are nearly at right angles.
std::vector<float> between(std::vector<float> a, const std::vector<float>& b, float cosine) {
  auto sine = std::sqrt(1 - cosine * cosine);
  for (size_t i = 0; i < a.size(); ++i)
    a[i] = cosine * a[i] + sine * b[i];
  normalise_length(a);
  return a;
}

} // namespace

fingerprint capacity_data::key(uint64_t number) const {
  std::mt19937_64 random{number};
  auto high = random();
  return {high, random()};
}

cached_answer capacity_data::answer(uint64_t number) const {
  constexpr std::string_view digits = "0123456789abcdef";
  std::mt19937_64 random{number};
  cached_answer result;
  result.content = R"({"choices":[{"message":{"content":")";
  while (result.content.size() < answer_bytes_)
    for (auto bits = random(); bits != 0; bits >>= 4)
      result.content.push_back(digits[bits & 15]);
  result.content += "\"}}]}";
  result.deployment = "bench";
  result.usage_known = true;
  return result;
}

std::vector<float> capacity_data::vector(uint64_t number) const {
  return between(direction(width(), vector_kind::centre, number / group_size),
                 direction(width(), vector_kind::kept, number), std::sqrt(group_cosine));
}

std::vector<float> capacity_data::asked_vector(uint64_t number) const {
  return between(vector(number), direction(width(), vector_kind::asked, number), asked_cosine);
}

std::string capacity_data::prepare_kept(uint64_t number) {
  next_.vector = vector(number);
  // A judge's facts are mostly numbers of eight bits, which compress hardly.
  std::mt19937_64 random{number};
  next_.facts.resize(facts_bytes_);
  for (auto& x : next_.facts)
    x = static_cast<char>(random());
  return fmt::format("question {}", number);
}

std::string capacity_data::prepare_asked(uint64_t number) {
  next_ = {asked_vector(number), {}};
  return fmt::format("question {} in other words", number);
}

caf::expected<std::vector<question_form>>
capacity_data::read(std::span<const std::string_view> texts) {
  return std::vector<question_form>(texts.size(), next_);
}

std::vector<judged> capacity_data::judge(const question_form&,
                                         std::span<const kept_question> kept) {
  std::vector<judged> result;
  for (auto& x : kept)
    result.push_back({static_cast<double>(x.similarity), {}});
  return result;
}

} // namespace sluice
