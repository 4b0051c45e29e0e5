#pragma once

#include <string>
#include <string_view>

namespace sluice {

/// Judges whether two questions ask the same, so that one answer does for both. Knows only the
/// questions: that everything else is equal has been made sure of.
class equivalence {
public:
  virtual ~equivalence() = default;

  /// From 0, different, to 1, the same.
  virtual double similarity(std::string_view a, std::string_view b) const = 0;
};

/// Takes two questions for the same where they differ in case, blanks and closing punctuation
/// alone. Texts of several lines are often code, where case and indentation mean something: they
/// are the same only where every byte is.
class normalised_text final : public equivalence {
public:
  double similarity(std::string_view a, std::string_view b) const override;
};

/// A line of text as `normalised_text` compares it. Case is folded where a letter and its other
/// case are single characters of one or two bytes (Latin, Greek, Cyrillic); what is no UTF-8 stays
/// as it is.
std::string normalised(std::string_view line);

} // namespace sluice
