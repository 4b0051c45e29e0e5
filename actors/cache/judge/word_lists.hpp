#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice {

/// What a word does in a question.
enum class word_kind : uint8_t {
  plain,     ///< carries meaning
  stop,      ///< carries none that could change an answer, courtesies included
  number,    ///< digits, or a number's name
  negation,  ///< not, without, never
  scope,     ///< all, only, first, most: says of how many or which
  direction, ///< from, before, under: says which way round
  ask,       ///< who, when, why: says what kind of answer is wanted
};

/// The lists that the guards know, all of English. They are short on purpose: a word stands in one
/// only where its meaning hardly depends on the sentence. Words are stems as `stem_of` leaves them
/// where the list says so.
namespace word_lists {

/// By the word as written; `plain` where no list has it.
word_kind kind_of(std::string_view word);

/// The number that `word` names ("twelve"); -1 for none.
int number_of(std::string_view word);

/// The usual form of an abbreviation, a unit or a close synonym ("kilo" is "kg", "uk" stays);
/// `stem` itself where none is listed.
std::string_view canonical(std::string_view stem);

/// Whether a number's suffix is a unit ("10gb").
bool is_unit(std::string_view word);

/// Whether one is the opposite of the other: listed, or the other with un-, non-, dis- or the like.
bool opposite(std::string_view stem, std::string_view other);

/// The number of the class of things of which two different ones never have the same answer
/// (colours, days, currencies); -1 for none.
int class_of(std::string_view stem);

} // namespace word_lists

/// The word less the endings of plural and verb forms. Rougher than Porter's (1980), and unlike it
/// leaves "-ation" and "-ness", which change what is asked.
std::string stem_of(std::string_view word);

/// Whether one is a slip of the other's keys: an edit, or two in a long word, of letters
/// (Damerau 1964), that neither adds a prefix nor changes the first letter.
bool is_typo(std::string_view word, std::string_view other);

} // namespace sluice
