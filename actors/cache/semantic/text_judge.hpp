#pragma once

#include "runtime/cache_messages.hpp"

#include <caf/expected.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// What is known of a question: made once, kept with its answer.
using question_form = text_form;

/// A judge's word on a question that was asked and one whose answer is kept.
struct judged {
  double probability = 0; ///< that both have the same answer
  std::string_view why;   ///< what spoke against it most; empty where nothing did
};

/// Makes forms of texts. Calls take milliseconds of the caller's thread, or wait for a provider.
class text_reader {
public:
  virtual ~text_reader() = default;

  /// A form for each text. Fails with `internal`.
  virtual caf::expected<std::vector<question_form>>
  read(std::span<const std::string_view> texts) = 0;
};

/// Tells by their forms whether two texts ask the same. Calls take some 0.1 ms for each text. Where
/// a reader is its judge, too, each may be called on a thread of its own.
class text_judge {
public:
  virtual ~text_judge() = default;

  /// Numbers in a vector.
  virtual size_t width() const = 0;

  /// Another one where probabilities may mean something else: of other weights, another encoder, or
  /// another way to compare. What a namespace has shown holds for one version.
  virtual uint64_t version() const = 0;

  /// Another one where a text has another form: forms of two versions are not compared.
  virtual uint32_t form_version() const = 0;

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
