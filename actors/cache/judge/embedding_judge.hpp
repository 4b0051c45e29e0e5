#pragma once

#include "actors/cache/judge/question_facts.hpp"
#include "actors/cache/semantic/text_judge.hpp"

namespace sluice {

/// The form of a text whose vector a provider made; `vector` is of length 1. The facts have no
/// states, as providers give none. Takes some 20 µs.
question_form form_of_embedding(std::string_view text, std::vector<float> vector);

/// What is read of a text, in bytes: no token is shorter than a byte, and OpenAI's models take
/// 8,191 of them. What lies behind is compared as a whole.
inline constexpr size_t embedded_bytes_max = 8'000;

struct embedding_judge_settings {
  std::string model; ///< that makes the vectors, as its provider calls it
  size_t dimensions = 0;
  /// Cosine below which nothing is judged.
  double similarity_min = 0;
  /// Cosine from which two answers say the same, where nothing else speaks against it.
  double answers_agree = 0;
};

/// Judges forms with the vectors of a provider's model. How near texts are says nothing by itself
/// of a model that nobody has measured, so a "probability" here is a rank: it grows with the cosine
/// from the lowest region to the highest, the guards hold it down, and what it is worth a namespace
/// shows by its samples. It has no state.
class embedding_judge final : public text_judge {
public:
  explicit embedding_judge(embedding_judge_settings settings);

  size_t width() const override { return settings_.dimensions; }
  uint64_t version() const override { return version_; }
  uint32_t form_version() const override { return form_version_; }
  std::vector<judged> judge(const question_form& asked,
                            std::span<const kept_question> kept) override;
  bool agree(const question_form& answer, const question_form& other) override;

private:
  judged word_on(const question_facts& asked, const question_facts& kept, double cosine) const;

  embedding_judge_settings settings_;
  uint64_t version_ = 0;
  uint32_t form_version_ = 0;
};

} // namespace sluice
