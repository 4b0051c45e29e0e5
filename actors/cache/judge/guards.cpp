#include "actors/cache/judge/guards.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace sluice {

namespace {

using words = std::vector<fact_word>;

std::vector<size_t> meaningful(const words& x) {
  std::vector<size_t> result;
  for (size_t i = 0; i < x.size(); ++i)
    if (x[i].kind != word_kind::stop)
      result.push_back(i);
  return result;
}

/// Takes from both lists the pairs for which `same` holds.
template <class Same>
size_t pair_off(std::vector<size_t>& left_a, std::vector<size_t>& left_b, Same&& same) {
  size_t pairs = 0;
  std::erase_if(left_a, [&](size_t i) {
    auto found = std::ranges::find_if(left_b, [&](size_t j) { return same(i, j); });
    if (found == left_b.end())
      return false;
    left_b.erase(found);
    ++pairs;
    return true;
  });
  return pairs;
}

bool same_word(const fact_word& a, const fact_word& b) {
  return a.text == b.text && (a.kind == word_kind::number) == (b.kind == word_kind::number);
}

bool slip(const fact_word& a, const fact_word& b) {
  // Two words that the vocabulary has are two words: "debit" and "debt".
  return a.kind == word_kind::plain && b.kind == word_kind::plain && a.known != b.known &&
         !word_lists::opposite(a.text, b.text) && is_typo(a.text, b.text);
}

size_t count(const words& x, word_kind kind) {
  return static_cast<size_t>(
      std::ranges::count_if(x, [&](const auto& word) { return word.kind == kind; }));
}

std::vector<size_t> of_kind(const words& x, std::span<const size_t> places, word_kind kind) {
  std::vector<size_t> result;
  std::ranges::copy_if(places, std::back_inserter(result),
                       [&](size_t i) { return x[i].kind == kind; });
  return result;
}

/// The first letters of the words from `from`: "ER" for "emergency room".
bool initials(const words& x, std::span<const size_t> places, std::string_view short_form) {
  std::string letters;
  for (auto i : places)
    letters += x[i].text.substr(0, 1);
  return short_form.size() >= 2 && letters.find(short_form) != std::string::npos;
}

/// "Corp" and "Corporation", "Japan" and "Japanese".
bool akin(std::string_view x, std::string_view y) {
  auto same = static_cast<size_t>(std::ranges::mismatch(x, y).in1 - x.begin());
  return same >= 4 || (same >= 2 && same == std::min(x.size(), y.size()));
}

bool abbreviated(const words& a, std::span<const size_t> left_a, const words& b,
                 std::span<const size_t> left_b) {
  return std::ranges::any_of(left_a, [&](size_t i) { return initials(b, left_b, a[i].text); }) ||
         std::ranges::any_of(left_b, [&](size_t i) { return initials(a, left_a, b[i].text); });
}

/// A word and what follows a preposition that says which way: "to", then "eur".
struct role {
  std::string_view preposition;
  std::string_view thing;
};

std::vector<role> roles_of(const words& x) {
  static constexpr std::array<std::string_view, 9> prepositions{
      "to", "into", "from", "than", "before", "after", "over", "under", "by"};
  std::vector<role> result;
  for (size_t i = 0; i + 1 < x.size(); ++i) {
    if (std::ranges::find(prepositions, x[i].text) == prepositions.end())
      continue;
    auto next = i + 1;
    while (next < x.size() && x[next].kind == word_kind::stop)
      ++next;
    if (next < x.size() && next <= i + 2 && x[next].kind != word_kind::direction)
      result.push_back({x[i].text == "into" ? "to" : std::string_view{x[i].text}, x[next].text});
  }
  return result;
}

bool has(const words& x, std::string_view text) {
  return std::ranges::any_of(x, [&](const auto& word) { return word.text == text; });
}

/// "to EUR" here and "to USD" there, where both speak of both.
bool swapped(const words& a, const words& b) {
  auto roles_a = roles_of(a);
  auto roles_b = roles_of(b);
  for (const auto& x : roles_a)
    for (const auto& y : roles_b)
      if (x.preposition == y.preposition && x.thing != y.thing && has(b, x.thing) &&
          has(a, y.thing) && std::ranges::none_of(roles_b, [&](const role& z) {
            return z.preposition == x.preposition && z.thing == x.thing;
          }))
        return true;
  return false;
}

bool related(word_kind kind) {
  return kind == word_kind::plain || kind == word_kind::scope || kind == word_kind::direction ||
         kind == word_kind::stop;
}

/// Opposites of which each question has another one.
size_t count_opposites(const words& a, const words& b) {
  size_t result = 0;
  for (const auto& x : a)
    for (const auto& y : b)
      if (related(x.kind) && related(y.kind) && word_lists::opposite(x.text, y.text) &&
          !has(b, x.text) && !has(a, y.text))
        ++result;
  return result;
}

/// Sets `substituted` and `inserted`: what is left of the words between the longest common
/// beginning and end.
void compare_frames(const words& a, const words& b, guard_findings& out) {
  auto least = std::min(a.size(), b.size());
  size_t head = 0;
  while (head < least && same_word(a[head], b[head]))
    ++head;
  size_t tail = 0;
  while (tail < least - head && same_word(a[a.size() - 1 - tail], b[b.size() - 1 - tail]))
    ++tail;
  auto carries = [](std::span<const fact_word> run) {
    return std::ranges::any_of(run, [](const auto& x) { return x.kind != word_kind::stop; });
  };
  auto middle_a = std::span{a}.subspan(head, a.size() - head - tail);
  auto middle_b = std::span{b}.subspan(head, b.size() - head - tail);
  auto same = head + tail;
  if (same < 2 || middle_a.size() > 4 || middle_b.size() > 4 || middle_a.size() > same ||
      middle_b.size() > same)
    return;
  out.substituted = carries(middle_a) && carries(middle_b);
  out.inserted = carries(middle_a) != carries(middle_b);
}

void compare_numbers(const question_facts& a, const question_facts& b, const word_match& match,
                     guard_findings& out) {
  auto left_a = of_kind(a.words, match.left_a, word_kind::number);
  auto left_b = of_kind(b.words, match.left_b, word_kind::number);
  out.number = !left_a.empty() && !left_b.empty();
  auto listed = [](const words& x, const std::vector<size_t>& left) {
    // "one" is as often a pronoun.
    return static_cast<size_t>(
        std::ranges::count_if(left, [&](size_t i) { return x[i].text != "1"; }));
  };
  out.numbers_extra = out.number ? 0 : listed(a.words, left_a) + listed(b.words, left_b);
}

void compare_plain(const question_facts& a, const question_facts& b, const word_match& match,
                   guard_findings& out) {
  auto names_a = size_t{0};
  auto names_b = size_t{0};
  for (auto i : match.left_a)
    names_a += a.words[i].name ? 1 : 0;
  for (auto i : match.left_b)
    names_b += b.words[i].name ? 1 : 0;
  auto spelled = abbreviated(a.words, match.left_a, b.words, match.left_b);
  for (auto i : match.left_a)
    for (auto j : match.left_b)
      spelled = spelled || akin(a.words[i].text, b.words[j].text);
  out.name = names_a > 0 && names_b > 0 && !spelled;
  for (auto i : match.left_a)
    for (auto j : match.left_b) {
      auto kind = word_lists::class_of(a.words[i].text);
      out.kind = out.kind || (kind >= 0 && kind == word_lists::class_of(b.words[j].text));
    }
}

void compare_scope(const question_facts& a, const question_facts& b, const word_match& match,
                   guard_findings& out) {
  auto left_a = of_kind(a.words, match.left_a, word_kind::scope);
  auto left_b = of_kind(b.words, match.left_b, word_kind::scope);
  out.scope = !left_a.empty() && !left_b.empty();
}

/// A guard is certain where the questions are otherwise alike; in free rewordings a word in one of
/// them may mean what two others mean, and the model decides.
veto certain_of(const guard_findings& x, size_t left_small, size_t left) {
  if (x.number)
    return veto::number;
  if (x.swapped && left <= 2)
    return veto::direction;
  // A negation and an opposite may cancel each other; the model decides then.
  if (x.negation && x.opposites == 0 && left_small == 0)
    return veto::negation;
  if (!x.negation && x.opposites % 2 == 1 && left <= 4)
    return veto::opposite;
  if (x.kind && left <= 4)
    return veto::kind;
  if (x.name && (x.substituted || left <= 4))
    return veto::name;
  if (x.scope && x.substituted)
    return veto::scope;
  return veto::none;
}

} // namespace

std::string_view name_of(veto x) {
  switch (x) {
  case veto::none:
    return "none";
  case veto::negation:
    return "negation";
  case veto::opposite:
    return "opposite";
  case veto::number:
    return "number";
  case veto::name:
    return "name";
  case veto::kind:
    return "kind";
  case veto::scope:
    return "scope";
  case veto::direction:
    return "direction";
  }
  return "none";
}

word_match match_words(const question_facts& a, const question_facts& b) {
  word_match result{0, meaningful(a.words), meaningful(b.words)};
  result.matched = pair_off(result.left_a, result.left_b,
                            [&](size_t i, size_t j) { return same_word(a.words[i], b.words[j]); });
  result.matched += pair_off(result.left_a, result.left_b,
                             [&](size_t i, size_t j) { return slip(a.words[i], b.words[j]); });
  // A word said twice is said: "claim a claim".
  auto said = [](const words& here, const words& there, std::vector<size_t>& left) {
    std::erase_if(left, [&](size_t i) {
      return here[i].kind != word_kind::number && here[i].kind != word_kind::negation &&
             has(there, here[i].text);
    });
  };
  said(a.words, b.words, result.left_a);
  said(b.words, a.words, result.left_b);
  return result;
}

guard_findings guard(const question_facts& a, const question_facts& b, const word_match& match) {
  guard_findings result;
  result.negation =
      count(a.words, word_kind::negation) % 2 != count(b.words, word_kind::negation) % 2;
  result.opposites = count_opposites(a.words, b.words);
  compare_numbers(a, b, match, result);
  compare_plain(a, b, match, result);
  compare_scope(a, b, match, result);
  result.swapped = swapped(a.words, b.words);
  compare_frames(a.words, b.words, result);
  result.certain = certain_of(result, std::min(match.left_a.size(), match.left_b.size()),
                              match.left_a.size() + match.left_b.size());
  return result;
}

} // namespace sluice
