#include "actors/cache/judge/embedding_judge.hpp"

#include "actors/cache/encoder/word_splitter.hpp"
#include "actors/cache/judge/guards.hpp"
#include "actors/cache/judge/minilm_judge.hpp"
#include "actors/cache/judge/plain_text.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <numeric>

namespace sluice {

namespace {

/// Counts up where `word_on` or the form of the facts changes.
constexpr std::string_view edition = "embedding judge 1";

/// Ranks from the bottom of the lowest region of `judge_priors` to below the highest, which is for
/// texts that are the same.
constexpr double rank_lowest = 0.6;
constexpr double rank_highest = 0.99;

/// What is left to a pair that a guard finds different without being certain of it: the lowest
/// region, whose samples show what such pairs are worth.
constexpr double rank_doubted = 0.7;

bool doubted(const guard_findings& x) {
  return x.opposites > 0 || x.number || x.numbers_extra > 0 || x.name || x.kind || x.swapped;
}

double cosine_of(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() ? std::inner_product(a.begin(), a.end(), b.begin(), 0.0) : 0;
}

} // namespace

question_form form_of_embedding(std::string_view text, std::vector<float> vector) {
  encoded_text words;
  word_splitter splitter{text.substr(0, embedded_bytes_max)};
  while (splitter.next())
    words.words.push_back({std::string{splitter.word()}, 1, {}});
  auto facts = facts_of(text, words);
  if (text.size() > embedded_bytes_max) {
    auto whole = plain_text(text);
    facts.same_text = XXH3_64bits(whole.data(), whole.size());
    facts.cut = true;
  }
  return {std::move(vector), to_bytes(facts)};
}

embedding_judge::embedding_judge(embedding_judge_settings settings)
    : settings_(std::move(settings)) {
  auto form =
      settings_.model + '\n' + std::to_string(settings_.dimensions) + '\n' + std::string{edition};
  form_version_ = XXH32(form.data(), form.size(), 0);
  auto all = form + '\n' + std::to_string(settings_.similarity_min) + '\n' +
             std::to_string(settings_.answers_agree);
  version_ = XXH3_64bits(all.data(), all.size());
}

judged embedding_judge::word_on(const question_facts& asked, const question_facts& kept,
                                double cosine) const {
  if (asked.same_text == kept.same_text && asked.cut == kept.cut)
    return {same_text_probability, {}};
  if (asked.cut || kept.cut)
    return {0, "long"};
  auto found = guard(asked, kept, match_words(asked, kept));
  auto span = std::max(1 - settings_.similarity_min, 1e-6);
  auto height = std::clamp((cosine - settings_.similarity_min) / span, 0.0, 1.0);
  auto rank = rank_lowest + (rank_highest - rank_lowest) * height;
  if (found.certain != veto::none)
    return {std::min(rank, forbidden_probability), name_of(found.certain)};
  return {doubted(found) ? std::min(rank, rank_doubted) : rank, {}};
}

std::vector<judged> embedding_judge::judge(const question_form& asked,
                                           std::span<const kept_question> kept) {
  std::vector<judged> result(kept.size());
  auto own = facts_from_bytes(asked.facts);
  if (!own)
    return result;
  for (size_t i = 0; i < kept.size(); ++i)
    if (auto facts = facts_from_bytes(kept[i].facts))
      result[i] = word_on(*own, *facts, static_cast<double>(kept[i].similarity));
  return result;
}

bool embedding_judge::agree(const question_form& answer, const question_form& other) {
  auto one = facts_from_bytes(answer.facts);
  auto two = facts_from_bytes(other.facts);
  if (!one || !two)
    return false;
  if (one->same_text == two->same_text && one->cut == two->cut)
    return true;
  if (std::max(one->words.size(), two->words.size()) <= short_answer_words) {
    auto found = guard(*one, *two, match_words(*one, *two));
    if (found.certain != veto::none || doubted(found))
      return false;
  }
  return cosine_of(answer.vector, other.vector) >= settings_.answers_agree;
}

} // namespace sluice
