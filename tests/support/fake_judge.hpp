#pragma once

#include "actors/cache/semantic/text_judge.hpp"
#include "runtime/ec.hpp"

#include <cmath>
#include <functional>
#include <map>
#include <string>

namespace sluice {

/// Texts are "topic/rest": those of one topic are near each other, others are not. Whether two have
/// the same answer is said by `probability`, whether two answers agree by their topics.
class fake_judge final : public text_reader, public text_judge {
public:
  size_t width() const override { return 16; }
  uint64_t version() const override { return edition; }
  uint32_t form_version() const override { return form_edition; }

  caf::expected<std::vector<question_form>> read(std::span<const std::string_view> texts) override {
    ++calls;
    if (fails)
      return make_error(ec::internal);
    std::vector<question_form> result;
    for (auto text : texts) {
      ++texts_read;
      question_form form;
      form.facts = text;
      auto topic = std::string{text.substr(0, text.find('/'))};
      auto number = numbers_.emplace(topic, numbers_.size()).first->second % (width() - 1);
      form.vector.assign(width(), 0);
      // Within a topic they differ in the last number, by the length of the text.
      auto slope = 0.001F * static_cast<float>(text.size() % 50);
      form.vector[number] = std::sqrt(1 - slope * slope);
      form.vector.back() = slope;
      result.push_back(std::move(form));
    }
    return result;
  }

  std::vector<judged> judge(const question_form& asked,
                            std::span<const kept_question> kept) override {
    std::vector<judged> result;
    for (auto& x : kept)
      result.push_back({probability(asked.facts, x.facts), ""});
    return result;
  }

  bool agree(const question_form& answer, const question_form& other) override {
    return answer.vector == other.vector;
  }

  std::function<double(const std::string&, const std::string&)> probability = [](auto&, auto&) {
    return 0.97;
  };
  uint64_t edition = 1;
  uint32_t form_edition = 1;
  bool fails = false;
  int calls = 0;
  int texts_read = 0;

private:
  std::map<std::string, size_t> numbers_;
};

} // namespace sluice
