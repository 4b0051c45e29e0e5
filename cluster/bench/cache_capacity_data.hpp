#pragma once

#include "actors/cache/semantic/text_judge.hpp"
#include "runtime/cache_messages.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace sluice {

/// What the capacity benchmark keeps and asks, each by its number, and a reader and judge of it
/// that costs nothing: a form is made before the clock runs, and handed out when it is asked for.
class capacity_data final : public text_reader, public text_judge {
public:
  capacity_data(size_t answer_bytes, size_t facts_bytes)
      : answer_bytes_(answer_bytes), facts_bytes_(facts_bytes) {}

  fingerprint key(uint64_t number) const;
  cached_answer answer(uint64_t number) const;
  /// Of length 1. Twenty in a row are a group.
  std::vector<float> vector(uint64_t number) const;
  /// Near to `vector(number)`, and hardly to others.
  std::vector<float> asked_vector(uint64_t number) const;

  /// Makes the form of the next question that is read, and returns the question.
  std::string prepare_kept(uint64_t number);
  std::string prepare_asked(uint64_t number);

  size_t width() const override { return 384; }
  uint64_t version() const override { return 1; }
  uint32_t form_version() const override { return 1; }
  caf::expected<std::vector<question_form>> read(std::span<const std::string_view> texts) override;
  std::vector<judged> judge(const question_form& asked,
                            std::span<const kept_question> kept) override;
  bool agree(const question_form&, const question_form&) override { return false; }

private:
  size_t answer_bytes_;
  size_t facts_bytes_;
  question_form next_;
};

} // namespace sluice
