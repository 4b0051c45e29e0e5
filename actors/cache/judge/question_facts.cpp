#include "actors/cache/judge/question_facts.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <set>

namespace sluice {

namespace {

bool digit(char c) {
  return c >= '0' && c <= '9';
}
bool letter(char c) {
  return (c >= 'a' && c <= 'z') || static_cast<unsigned char>(c) >= 0x80;
}
bool upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool all_digits(std::string_view x) {
  return !x.empty() && std::ranges::all_of(x, digit);
}
bool is_word(std::string_view x) {
  return !x.empty() && (digit(x.front()) || letter(x.front()));
}

/// Words that `text` writes with a capital although no sentence begins there, in lower case. None
/// where most words have one, as in a title.
std::set<std::string, std::less<>> names_in(std::string_view text) {
  std::set<std::string, std::less<>> result;
  size_t words = 0;
  size_t capitals = 0;
  auto begins = true;
  for (size_t i = 0; i < text.size();) {
    if (!upper(text[i]) && !letter(text[i]) && !digit(text[i])) {
      begins = begins || text[i] == '.' || text[i] == '?' || text[i] == '!' || text[i] == ':';
      ++i;
      continue;
    }
    std::string word;
    auto capital = upper(text[i]);
    for (; i < text.size() && (upper(text[i]) || letter(text[i]) || digit(text[i])); ++i)
      word += upper(text[i]) ? static_cast<char>(text[i] - 'A' + 'a') : text[i];
    ++words;
    capitals += capital ? 1 : 0;
    if (capital && !begins && word != "i")
      result.insert(std::move(word));
    begins = false;
  }
  if (words >= 4 && capitals * 10 > words * 7)
    result.clear();
  return result;
}

/// Makes fact words of the encoder's words, which are cut at every mark.
class word_maker {
public:
  word_maker(std::string_view text, const std::vector<encoded_word>& words)
      : names_(names_in(text)), words_(words) {
    for (size_t i = 0; i < words.size(); ++i)
      cut_at_signs(words[i].text, i);
  }

  void run(question_facts& out) {
    for (at_ = 0; at_ < parts_.size();) {
      if (out.words.size() == question_facts::words_max) {
        out.cut = true;
        return;
      }
      step(out);
    }
  }

private:
  std::string_view text(size_t i) const {
    return i < parts_.size() ? parts_[i].text : std::string_view{};
  }

  /// The encoder leaves signs of money and arrows in their words, as BERT does: pound signs, "->"
  /// in one sign.
  void cut_at_signs(std::string_view word, size_t source) {
    while (!word.empty()) {
      auto end = word.size();
      size_t length = 0;
      for (auto sign : signs)
        if (auto found = word.find(sign); found < end) {
          end = found;
          length = sign.size();
        }
      if (end > 0)
        parts_.push_back({word.substr(0, end), source});
      if (length > 0)
        parts_.push_back({word.substr(end, length), source});
      word.remove_prefix(end + length);
    }
  }

  void step(question_facts& out) {
    auto word = text(at_);
    if (digit(word.front()))
      add_number(out);
    else if (is_word(word) && std::ranges::find(signs, word) == signs.end())
      add_word(out);
    else
      add_mark(out);
  }

  /// "12", "1,000", "3.5", "9:15", "10gb", "500k", "2fa".
  void add_number(question_facts& out) {
    auto first = at_;
    std::string written{text(at_++)};
    while (all_digits(written.substr(written.find_last_of(".:") + 1)) && digit_follows()) {
      if (text(at_) != ",")
        written += text(at_);
      written += text(at_ + 1);
      at_ += 2;
    }
    double value = 0;
    auto end = std::from_chars(written.data(), written.data() + written.size(), value).ptr;
    auto suffix = std::string_view{written}.substr(static_cast<size_t>(end - written.data()));
    auto digits = written.substr(0, written.size() - suffix.size());
    if (suffix == "k" || suffix == "m" || suffix == "bn")
      value *= suffix == "k" ? 1e3 : suffix == "m" ? 1e6 : 1e9;
    else if (!suffix.empty() && suffix.front() != ':' && suffix.front() != '.' &&
             !word_lists::is_unit(suffix)) {
      add(out, {std::string{written}, word_kind::plain}, first);
      return;
    }
    auto clock = !suffix.empty() && (suffix.front() == ':' || suffix.front() == '.');
    if (!clock && std::ranges::count(digits, '.') <= 1)
      add(out, {plain_number(value), word_kind::number, false, true, value}, first);
    else
      add(out, {written, word_kind::number, false, true, value}, first);
    if (letter(suffix.empty() ? ' ' : suffix.front()) && suffix != "k" && suffix != "bn" &&
        suffix != "th" && suffix != "st" && suffix != "nd" && suffix != "rd")
      add(out, {std::string{word_lists::canonical(stem_of(suffix))}, word_kind::plain}, first);
  }

  bool digit_follows() const {
    auto mark = text(at_);
    auto next = text(at_ + 1);
    if (mark == ".")
      return !next.empty() && digit(next.front());
    if (mark == ":")
      return next.size() >= 2 && digit(next.front());
    return mark == "," && next.size() == 3 && all_digits(next);
  }

  static std::string plain_number(double value) {
    std::array<char, 400> out{};
    auto end =
        std::to_chars(out.data(), out.data() + out.size(), value, std::chars_format::fixed).ptr;
    return {out.data(), end};
  }

  void add_word(question_facts& out) {
    auto first = at_++;
    auto word = text(first);
    auto name = names_.contains(word);
    if (text(at_) == "'" || text(at_) == "\xE2\x80\x99") {
      auto end = text(at_ + 1);
      if (end == "t" && word.ends_with('n')) {
        at_ += 2;
        add(out, {"not", word_kind::negation}, first);
        return;
      }
      if (end == "s" || end == "re" || end == "ve" || end == "ll" || end == "d" || end == "m")
        at_ += 2;
    }
    if (auto number = word_lists::number_of(word); number >= 0) {
      add(out, {std::to_string(number), word_kind::number, false, true, double(number)}, first);
      return;
    }
    auto kind = word_lists::kind_of(word);
    if (kind == word_kind::stop && name)
      kind = word_kind::plain; // "IT", "US", the language "Go"
    if (kind == word_kind::plain || kind == word_kind::scope)
      add(out, {std::string{word_lists::canonical(stem_of(word))}, kind, name}, first);
    else if (kind == word_kind::negation)
      add(out, {"not", kind}, first);
    else
      add(out, {std::string{word}, kind}, first);
  }

  void add_mark(question_facts& out) {
    auto mark = text(at_);
    auto first = at_++;
    auto plain = [&](std::string_view x) { add(out, {std::string{x}, word_kind::plain}, first); };
    if (mark == "$")
      plain("usd");
    else if (mark == "\xE2\x82\xAC")
      plain("eur");
    else if (mark == "\xC2\xA3")
      plain("gbp");
    else if (mark == "%")
      plain(word_lists::canonical("percent"));
    else if (mark == "\xE2\x86\x92")
      add(out, {"to", word_kind::stop}, first);
    else if (mark == "<")
      add(out, {"under", word_kind::direction}, first);
    else if (mark == ">")
      add(out, {"over", word_kind::direction}, first);
    else if ((mark == "+" || mark == "#") && first > 0 && text(first - 1).size() == 1)
      plain(mark); // "C++", "C#"
  }

  void add(question_facts& out, fact_word word, size_t from) {
    if (out.words.size() == question_facts::words_max) {
      out.cut = true;
      return;
    }
    const auto& source = words_[parts_[from].source];
    word.known = source.pieces == 1;
    if (word.text.size() > question_facts::word_bytes_max)
      word.text.resize(question_facts::word_bytes_max);
    if (word.kind != word_kind::stop && !source.state.empty() &&
        out.states.size() < question_facts::states_max) {
      word.state = static_cast<uint8_t>(out.states.size());
      out.states.push_back(to_byte_row(source.state));
    }
    out.words.push_back(std::move(word));
  }

  struct part {
    std::string_view text;
    size_t source;
  };
  static constexpr std::array<std::string_view, 6> signs{
      "\xC2\xA3", "\xE2\x82\xAC", "\xE2\x86\x92", "\xE2\x80\x93", "\xE2\x80\x94", "\xC2\xB0"};

  std::set<std::string, std::less<>> names_;
  const std::vector<encoded_word>& words_;
  std::vector<part> parts_;
  size_t at_ = 0;
};

/// FNV-1a (Fowler, Noll, Vo) over all words as written, contractions spelled out and marks left
/// away: unlike `words` it sees every word of the text, courtesies too.
uint64_t hash_of(const std::vector<encoded_word>& words) {
  uint64_t hash = 0xcbf29ce484222325;
  auto add = [&](std::string_view x) {
    for (auto c : x)
      hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    hash = (hash ^ ' ') * 0x100000001b3;
  };
  for (size_t i = 0; i < words.size(); ++i) {
    std::string_view word = words[i].text;
    auto follows = [&](std::string_view end) {
      return i + 2 < words.size() &&
             (words[i + 1].text == "'" || words[i + 1].text == "\xE2\x80\x99") &&
             words[i + 2].text == end;
    };
    if (follows("s") && (word == "what" || word == "where" || word == "who" || word == "how" ||
                         word == "when" || word == "that" || word == "there")) {
      add(word);
      add("is");
      i += 2;
    } else if (follows("t") && word.size() > 1 && word.ends_with('n')) {
      add(word == "won" ? "will" : word == "can" ? "can" : word.substr(0, word.size() - 1));
      add("not");
      i += 2;
    } else if (word == "whats") {
      add("what");
      add("is");
    } else if (word == "cannot") {
      add("can");
      add("not");
    } else if (word == "'" || word == "\xE2\x80\x99" || word == "?" || word == "!" || word == "." ||
               word == "," || word == "\"" || word == "\xE2\x80\x9C" || word == "\xE2\x80\x9D") {
      // A sign that carries meaning, such as "+", "<" or "/", stays.
    } else {
      add(word);
    }
  }
  return hash;
}

} // namespace

question_facts facts_of(std::string_view text, const encoded_text& encoded) {
  question_facts result;
  result.same_text = hash_of(encoded.words);
  result.vector = to_byte_row(encoded.vector);
  word_maker(text, encoded.words).run(result);
  return result;
}

byte_row to_byte_row(std::span<const float> values) {
  byte_row result;
  auto count = std::min(values.size(), byte_row::width);
  float greatest = 0;
  for (size_t i = 0; i < count; ++i)
    greatest = std::max(greatest, std::abs(values[i]));
  if (!(greatest > 0) || !std::isfinite(greatest))
    return result;
  result.scale = greatest / 127;
  for (size_t i = 0; i < count; ++i)
    result.codes[i] = static_cast<int8_t>(std::lround(values[i] / result.scale));
  return result;
}

int32_t dot(const byte_row& a, const byte_row& b) {
  int32_t sum = 0;
  for (size_t i = 0; i < byte_row::width; ++i)
    sum += a.codes[i] * b.codes[i];
  return sum;
}

double cosine_of(int32_t ab, int32_t aa, int32_t bb) {
  return aa == 0 || bb == 0 ? 0 : ab / std::sqrt(double(aa) * double(bb));
}

double cosine(const byte_row& a, const byte_row& b) {
  return cosine_of(dot(a, b), dot(a, a), dot(b, b));
}

} // namespace sluice
