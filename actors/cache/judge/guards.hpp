#pragma once

#include "actors/cache/judge/question_facts.hpp"

#include <string_view>
#include <utility>

namespace sluice {

/// Why two questions surely have different answers, whatever their vectors say.
enum class veto : uint8_t {
  none,
  negation,  ///< one is negated
  opposite,  ///< a word stands against its opposite
  number,    ///< different numbers, or the same of different units
  name,      ///< different names
  kind,      ///< different things of one class: days, currencies, colours
  scope,     ///< all against some, first against last
  direction, ///< from here to there against from there to here
};

/// "negation" and so on, for logs and headers.
std::string_view name_of(veto x);

/// Where the words of two questions agree. Same in both orders of the questions.
struct word_match {
  size_t matched = 0;         ///< words that carry meaning and stand in both
  std::vector<size_t> left_a; ///< places in `a.words` of those that do not
  std::vector<size_t> left_b;
};

/// Pairs equal words first, then slips of the keys. Numbers, negations and the like take part;
/// stop words do not.
word_match match_words(const question_facts& a, const question_facts& b);

/// What the guards saw. Counts are of words.
struct guard_findings {
  veto certain = veto::none;
  bool negation = false;
  size_t opposites = 0;
  bool number = false;
  size_t numbers_extra = 0; ///< in one question only, with nothing against them
  bool name = false;
  bool kind = false;
  bool scope = false;
  bool swapped = false;
  /// Both say the same in the same order but for one run of words in each.
  bool substituted = false;
  /// As before, and the run is in one of them only.
  bool inserted = false;
};

guard_findings guard(const question_facts& a, const question_facts& b, const word_match& match);

} // namespace sluice
