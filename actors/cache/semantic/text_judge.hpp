#pragma once

#include <caf/expected.hpp>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// What is known of a question: made once, kept with its answer.
struct question_form {
  std::vector<float> vector; ///< of length 1; what is near in meaning is near here
  std::string facts;         ///< what a judge needs beside, in a form that can be stored
};

/// A judge's word on a question that was asked and one whose answer is kept.
struct judged {
  double probability = 0; ///< that both have the same answer
  std::string_view why;   ///< what spoke against it most; empty where nothing did
};

/// Reads texts and tells whether two ask the same. Calls take milliseconds of the caller's thread.
class text_judge {
public:
  virtual ~text_judge() = default;

  /// Numbers in a vector.
  virtual size_t width() const = 0;

  /// Another one where probabilities may mean something else: of other weights, another encoder, or
  /// another way to compare. What a namespace has shown holds for one version.
  virtual uint64_t version() const = 0;

  /// A form for each text. Fails with `internal`.
  virtual caf::expected<std::vector<question_form>>
  read(std::span<const std::string_view> texts) = 0;

  /// A stored question, by what was stored of it: `facts` of its form. One that cannot be read (of
  /// another version, damaged) is judged with a probability of 0.
  struct kept_question {
    std::string facts;
    float similarity = 0; ///< cosine
  };
  /// A word on each of `kept`, which are all near neighbours, nearest first.
  virtual std::vector<judged> judge(const question_form& asked,
                                    std::span<const kept_question> kept) = 0;

  /// Do two answers say the same?
  virtual bool agree(const question_form& answer, const question_form& other) = 0;
};

} // namespace sluice
