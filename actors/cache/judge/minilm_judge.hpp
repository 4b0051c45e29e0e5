#pragma once

#include "actors/cache/judge/judge.hpp"
#include "actors/cache/semantic/error_bound.hpp"
#include "actors/cache/semantic/text_judge.hpp"

#include <filesystem>
#include <memory>

namespace sluice {

/// Reads texts with MiniLM and judges them with the trained judge. For a thread that reads and one
/// that judges.
class minilm_judge final : public text_reader, public text_judge {
public:
  /// Errors are those of `sentence_encoder::load` and `parse_weights`.
  static caf::expected<std::shared_ptr<minilm_judge>> load(const std::filesystem::path& model,
                                                           encoder_precision precision);

  size_t width() const override { return sentence_encoder::width; }
  uint64_t version() const override { return version_; }
  uint32_t form_version() const override { return form_version_; }
  caf::expected<std::vector<question_form>> read(std::span<const std::string_view> texts) override;
  std::vector<judged> judge(const question_form& asked,
                            std::span<const kept_question> kept) override;
  bool agree(const question_form& answer, const question_form& other) override;

private:
  minilm_judge(std::unique_ptr<sentence_encoder> encoder, const judge_weights& weights);

  caf::error set_versions();

  std::unique_ptr<sentence_encoder> encoder_;
  sentence_encoder::workspace space_; ///< of the thread that reads
  const sluice::judge decide_;
  uint64_t version_ = 0;
  uint32_t form_version_ = 0;
};

/// Finds what differs in case, blanks and marks alone, where there is no model: groups of three
/// letters, hashed into a vector (Weinberger et al. 2009, arXiv:0902.2206). It believes in nothing
/// else. It has no state.
class ngram_judge final : public text_reader, public text_judge {
public:
  size_t width() const override { return 256; }
  /// Of `plain_text`, which is all that it compares.
  uint64_t version() const override { return 1; }
  uint32_t form_version() const override { return 1; }
  caf::expected<std::vector<question_form>> read(std::span<const std::string_view> texts) override;
  std::vector<judged> judge(const question_form& asked,
                            std::span<const kept_question> kept) override;
  bool agree(const question_form& answer, const question_form& other) override;
};

/// Of a text that differs from another in case, blanks, marks or contractions alone: the same
/// question.
inline constexpr double same_text_probability = 0.9999;

/// What a guard is certain of is never served, whatever else speaks for it: it stays below the
/// lowest region.
inline constexpr double forbidden_probability = 0.5;

/// Answers up to so many words are judged like questions: a number or a negation is all of them.
inline constexpr size_t short_answer_words = 16;

/// The regions of probability that errors are counted in, and what is known of them before a
/// namespace has shown any of its own.
std::vector<region_prior> judge_priors();

} // namespace sluice
