#include "cluster/bench/cache_stream.hpp"

#include "runtime/ec.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <optional>
#include <random>
#include <unordered_set>

namespace sluice {

namespace {

/// Of a stream, at most so much.
constexpr double near_misses = 0.1;

/// Changes that no reader would call another question.
std::string trivially_changed(std::string text, std::mt19937_64& random) {
  switch (random() % 4) {
  case 0:
    for (auto& c : text)
      c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
  case 1:
    for (auto& c : text)
      c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return text;
  case 2: {
    auto at = text.find(' ');
    return at == std::string::npos ? " " + text : text.insert(at, " ");
  }
  default:
    while (!text.empty() && std::ispunct(static_cast<unsigned char>(text.back())))
      text.pop_back();
    return text + (random() % 2 == 0 ? "" : " ?");
  }
}

/// Questions yet to be asked, in random order.
class question_pool {
public:
  question_pool(const std::vector<question_pair>& pairs, std::mt19937_64& random) {
    std::unordered_set<std::string> seen;
    size_t number = 0;
    for (auto& x : pairs) {
      // A text that stands in several pairs could have several meanings.
      if (!seen.insert(x.a).second || !seen.insert(x.b).second)
        continue;
      auto name = std::to_string(++number);
      (x.duplicate ? same_ : near_)
          .push_back({{x.a, name + "a"}, {x.b, name + (x.duplicate ? "a" : "b")}});
    }
    std::shuffle(same_.begin(), same_.end(), random);
    std::shuffle(near_.begin(), near_.end(), random);
  }

  struct couple {
    stream_question first;
    stream_question second;
  };
  std::optional<couple> take(bool duplicate) {
    auto& from = duplicate ? same_ : near_;
    if (from.empty())
      return std::nullopt;
    auto result = std::move(from.back());
    from.pop_back();
    return result;
  }

private:
  std::vector<couple> same_;
  std::vector<couple> near_;
};

} // namespace

const stream_shape* reference_stream(std::string_view name) {
  static const std::map<std::string_view, stream_shape> known{
      {"high", {0.95, 0.15, 0.05}}, {"mixed", {0.78, 0.15, 0.10}}, {"low", {0, 0, 0}}};
  auto at = known.find(name);
  return at == known.end() ? nullptr : &at->second;
}

caf::expected<std::vector<stream_question>> make_stream(const stream_shape& shape,
                                                        const std::vector<question_pair>& pairs,
                                                        size_t size, uint64_t seed) {
  std::mt19937_64 random{seed};
  std::uniform_real_distribution<> share{0, 1};
  question_pool pool{pairs, random};
  std::vector<stream_question> result;
  std::vector<stream_question> paraphrases; // of questions that were asked, each to be asked once
  std::vector<stream_question> misses;      // near to questions that were asked
  size_t misses_made = 0;
  auto from = [&](std::vector<stream_question>& x) {
    std::swap(x[random() % x.size()], x.back());
    auto taken = std::move(x.back());
    x.pop_back();
    return taken;
  };
  while (result.size() < size) {
    auto repeat = !result.empty() && share(random) < shape.repeats;
    auto how = share(random);
    if (repeat && how < shape.paraphrase && !paraphrases.empty()) {
      result.push_back(from(paraphrases));
    } else if (repeat) {
      auto earlier = result[random() % result.size()];
      if (how < shape.paraphrase + shape.trivial)
        earlier.text = trivially_changed(std::move(earlier.text), random);
      result.push_back(std::move(earlier));
    } else if (!misses.empty() &&
               static_cast<double>(misses_made) < near_misses * static_cast<double>(size)) {
      result.push_back(from(misses));
      ++misses_made;
    } else {
      // New questions have a paraphrase or a near miss in turn.
      auto wants_same = shape.paraphrase > 0 && random() % 2 == 0;
      auto couple = pool.take(wants_same);
      if (!couple)
        couple = pool.take(!wants_same);
      if (!couple)
        return make_error(ec::invalid_value, "The pairs are too few for a stream of " +
                                                 std::to_string(size) + " questions.");
      (couple->first.meaning == couple->second.meaning ? paraphrases : misses)
          .push_back(std::move(couple->second));
      result.push_back(std::move(couple->first));
    }
  }
  return result;
}

} // namespace sluice
