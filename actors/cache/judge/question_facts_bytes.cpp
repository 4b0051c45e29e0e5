#include "actors/cache/judge/question_facts.hpp"

#include "runtime/ec.hpp"

#include <bit>
#include <cmath>
#include <cstring>

namespace sluice {

namespace {

/// Raised with every change of the bytes or of what makes the words: facts of another version are
/// made anew from the text.
constexpr uint8_t version = 1;

constexpr uint8_t flag_name = 0x10;
constexpr uint8_t flag_known = 0x20;
constexpr uint8_t kind_bits = 0x0f;
constexpr uint8_t kind_last = static_cast<uint8_t>(word_kind::ask);

/// Appends little-endian bytes.
class byte_writer {
public:
  void put(uint8_t x) { out_.push_back(static_cast<char>(x)); }
  void put_bits(uint64_t x, size_t bytes) {
    for (size_t i = 0; i < bytes; ++i)
      put(static_cast<uint8_t>(x >> (8 * i)));
  }
  void put(const byte_row& x) {
    put_bits(std::bit_cast<uint32_t>(x.scale), 4);
    for (auto code : x.codes)
      put(static_cast<uint8_t>(code));
  }
  void put(std::string_view x) {
    put(static_cast<uint8_t>(x.size()));
    out_ += x;
  }
  std::string take() { return std::move(out_); }

private:
  std::string out_;
};

/// Reads what `byte_writer` wrote; after the end, or after `fail`, everything is zero and `ok` is
/// false.
class byte_reader {
public:
  explicit byte_reader(std::string_view bytes) : rest_(bytes) {}

  uint8_t byte() { return static_cast<uint8_t>(bits(1)); }
  uint64_t bits(size_t bytes) {
    auto taken = text(bytes);
    uint64_t result = 0;
    for (size_t i = 0; i < taken.size(); ++i)
      result |= uint64_t{static_cast<uint8_t>(taken[i])} << (8 * i);
    return result;
  }
  std::string_view text(size_t bytes) {
    if (!ok_ || rest_.size() < bytes) {
      ok_ = false;
      return {};
    }
    auto result = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return result;
  }
  byte_row row() {
    byte_row result;
    result.scale = std::bit_cast<float>(static_cast<uint32_t>(bits(4)));
    if (!std::isfinite(result.scale) || result.scale < 0)
      fail();
    auto codes = text(byte_row::width);
    if (ok_)
      std::memcpy(result.codes.data(), codes.data(), byte_row::width);
    return result;
  }
  void fail() { ok_ = false; }
  bool ok() const { return ok_; }
  bool at_end() const { return ok_ && rest_.empty(); }

private:
  std::string_view rest_;
  bool ok_ = true;
};

fact_word read_word(byte_reader& in, size_t states) {
  fact_word word;
  auto flags = in.byte();
  if ((flags & kind_bits) > kind_last || (flags & ~(kind_bits | flag_name | flag_known)) != 0)
    in.fail();
  word.kind = static_cast<word_kind>(flags & kind_bits);
  word.name = (flags & flag_name) != 0;
  word.known = (flags & flag_known) != 0;
  word.state = in.byte();
  if (word.state != fact_word::no_state && word.state >= states)
    in.fail();
  if (word.kind == word_kind::number)
    word.value = std::bit_cast<double>(in.bits(8));
  if (!std::isfinite(word.value))
    in.fail();
  size_t length = in.byte();
  if (length > question_facts::word_bytes_max)
    in.fail();
  word.text = in.text(length);
  return word;
}

} // namespace

// Head, words and states at their most.
static_assert(16 + question_facts::words_max * (11 + question_facts::word_bytes_max) +
                  (question_facts::states_max + 1) * (byte_row::width + 4) <=
              question_facts::bytes_max);

std::string to_bytes(const question_facts& facts) {
  byte_writer out;
  out.put(version);
  out.put(facts.cut ? uint8_t{1} : uint8_t{0});
  out.put_bits(facts.same_text, 8);
  out.put(facts.vector);
  out.put(static_cast<uint8_t>(facts.states.size()));
  for (const auto& state : facts.states)
    out.put(state);
  out.put(static_cast<uint8_t>(facts.words.size()));
  for (const auto& word : facts.words) {
    out.put(static_cast<uint8_t>(static_cast<uint8_t>(word.kind) | (word.name ? flag_name : 0) |
                                 (word.known ? flag_known : 0)));
    out.put(word.state);
    if (word.kind == word_kind::number)
      out.put_bits(std::bit_cast<uint64_t>(word.value), 8);
    out.put(word.text);
  }
  return out.take();
}

caf::expected<question_facts> facts_from_bytes(std::string_view bytes) {
  byte_reader in(bytes);
  question_facts result;
  if (in.byte() != version)
    in.fail();
  auto cut = in.byte();
  if (cut > 1)
    in.fail();
  result.cut = cut == 1;
  result.same_text = in.bits(8);
  result.vector = in.row();
  size_t states = in.byte();
  if (states > question_facts::states_max)
    in.fail();
  for (size_t i = 0; i < states && in.ok(); ++i)
    result.states.push_back(in.row());
  size_t words = in.byte();
  if (words > question_facts::words_max)
    in.fail();
  for (size_t i = 0; i < words && in.ok(); ++i)
    result.words.push_back(read_word(in, states));
  if (!in.at_end())
    return make_error(ec::invalid_value, "these are no facts of a question");
  return result;
}

} // namespace sluice
