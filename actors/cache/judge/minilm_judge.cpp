#include "actors/cache/judge/minilm_judge.hpp"

#include "actors/cache/judge/plain_text.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

namespace sluice {

namespace {

/// Two long answers say the same from this cosine on. Texts of one meaning by one author lie above
/// it, those on one subject that differ below; MiniLM's vectors of texts this long are hardly
/// changed by wording.
constexpr double long_answers_agree = 0.9;
/// Short answers agree from here on: one in twenty pairs of questions is wrong there in folds, and
/// answers to two questions that were taken for one are alike more often.
constexpr double short_answers_agree = 0.8;

judged word_on(const judgement& x) {
  if (x.same_text)
    return {same_text_probability, {}};
  return {x.why == veto::none ? x.probability : std::min(x.probability, forbidden_probability),
          name_of(x.why)};
}

} // namespace

minilm_judge::minilm_judge(std::unique_ptr<sentence_encoder> encoder, const judge_weights& weights)
    : encoder_(std::move(encoder)), decide_(weights) {}

caf::expected<std::shared_ptr<minilm_judge>> minilm_judge::load(const std::filesystem::path& model,
                                                                encoder_precision precision) {
  auto weights = parse_weights(shipped_weights());
  if (!weights)
    return weights.error();
  auto encoder = sentence_encoder::load(model, precision);
  if (!encoder)
    return encoder.error();
  std::shared_ptr<minilm_judge> result{new minilm_judge{std::move(*encoder), *weights}};
  if (auto error = result->set_versions())
    return error;
  return result;
}

/// Of the weights and of what is kept of a few questions: their facts have the vector, the states
/// of the tokens, and what the lists say of every word, so that another model, precision, list or
/// form of the facts has another version. Guards stand in code alone, and the weights are trained
/// with them.
caf::error minilm_judge::set_versions() {
  constexpr std::array<std::string_view, 2> probes{
      "How do I convert 5 US dollars to euros without a fee before Friday?",
      "Which is older, the Brooklyn Bridge or the Eiffel Tower?"};
  auto forms = read(probes);
  if (!forms)
    return forms.error();
  std::string facts;
  for (auto& x : *forms)
    facts += x.facts;
  form_version_ = XXH32(facts.data(), facts.size(), 0);
  auto all = std::string{shipped_weights()} + facts;
  version_ = XXH3_64bits(all.data(), all.size());
  return {};
}

caf::expected<std::vector<question_form>>
minilm_judge::read(std::span<const std::string_view> texts) {
  auto encoded = encoder_->encode_words(texts, space_);
  if (!encoded)
    return encoded.error();
  std::vector<question_form> result;
  for (size_t i = 0; i < texts.size(); ++i) {
    auto facts = facts_of(texts[i], (*encoded)[i]);
    if (encoder_->token_count(texts[i]) >= sentence_encoder::tokens_max) {
      // The encoder did not see the end: what is the same has to be the same as a whole.
      auto whole = plain_text(texts[i]);
      facts.same_text = XXH3_64bits(whole.data(), whole.size());
      facts.cut = true;
    }
    result.push_back({std::move((*encoded)[i].vector), to_bytes(facts)});
  }
  return result;
}

std::vector<judged> minilm_judge::judge(const question_form& asked,
                                        std::span<const kept_question> kept) {
  std::vector<judged> result(kept.size());
  auto own = facts_from_bytes(asked.facts);
  if (!own)
    return result;
  std::vector<std::optional<question_facts>> facts;
  for (auto& x : kept) {
    auto each = facts_from_bytes(x.facts);
    facts.push_back(each ? std::optional{std::move(*each)} : std::nullopt);
  }
  for (size_t i = 0; i < kept.size(); ++i) {
    if (!facts[i])
      continue;
    std::vector<const question_facts*> others;
    for (size_t j = 0; j < kept.size(); ++j)
      if (j != i && facts[j])
        others.push_back(&*facts[j]);
    result[i] = word_on(decide_(*own, *facts[i], {others}));
    // What lies behind the words that are kept is compared by nobody.
    if ((own->cut || facts[i]->cut) && own->same_text != facts[i]->same_text)
      result[i] = {0, "long"};
  }
  return result;
}

bool minilm_judge::agree(const question_form& answer, const question_form& other) {
  auto one = facts_from_bytes(answer.facts);
  auto two = facts_from_bytes(other.facts);
  if (!one || !two)
    return false;
  auto small = std::max(one->words.size(), two->words.size()) <= short_answer_words;
  if (!small && one->same_text != two->same_text)
    return cosine(one->vector, two->vector) >= long_answers_agree;
  return word_on(decide_(*one, *two)).probability >= short_answers_agree;
}

// -- without a model --------------------------------------------------------------------------

caf::expected<std::vector<question_form>>
ngram_judge::read(std::span<const std::string_view> texts) {
  std::vector<question_form> result;
  for (auto text : texts) {
    question_form form;
    form.facts = plain_text(text);
    form.vector.assign(width(), 0);
    auto add = [&](std::string_view part) {
      auto hash = XXH3_64bits(part.data(), part.size());
      form.vector[hash % width()] += (hash >> 63) != 0 ? 1.0F : -1.0F;
    };
    add(form.facts);
    for (size_t i = 0; i + 3 <= form.facts.size(); ++i)
      add(std::string_view{form.facts}.substr(i, 3));
    float length = 0;
    for (auto x : form.vector)
      length += x * x;
    if (length == 0) // what was added came to nothing
      form.vector.front() = length = 1;
    for (auto& x : form.vector)
      x /= std::sqrt(length);
    result.push_back(std::move(form));
  }
  return result;
}

std::vector<judged> ngram_judge::judge(const question_form& asked,
                                       std::span<const kept_question> kept) {
  std::vector<judged> result(kept.size());
  for (size_t i = 0; i < kept.size(); ++i)
    result[i].probability = kept[i].facts == asked.facts ? same_text_probability : 0;
  return result;
}

bool ngram_judge::agree(const question_form& answer, const question_form& other) {
  return answer.facts == other.facts;
}

// -- priors -----------------------------------------------------------------------------------

std::vector<region_prior> judge_priors() {
  // What the judge is sure of was right in all of 65 pairs of traps and rewordings and in 104 of
  // 105 searches that it was not trained on, and wrong in one of seven of another file: domains
  // differ too much for a prior, so a namespace shows for itself what its probabilities are worth.
  // Texts that differ in case, blanks, marks and contractions: a rule, not a guess. What could be
  // wrong are questions about just these.
  constexpr double same_texts = 2'000;
  return {{0.6, 0, 0}, {0.8, 0, 0}, {judge::threshold_default, 0, 0}, {0.999, same_texts, 0}};
}

} // namespace sluice
