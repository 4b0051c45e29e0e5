#include "api/sim/sim_text.hpp"

#include "api/sim/sim_hash.hpp"
#include "api/sim/sim_tokens.hpp"

#include <array>

namespace sluice {
namespace {

/// Common words of at most 8 letters, for those are one token each. A power of two, so that each is
/// as likely as the others.
constexpr std::array<std::string_view, 64> words{
    "the",    "a",        "of",      "and",    "to",     "in",     "that",    "is",
    "with",   "for",      "as",      "on",     "by",     "from",   "this",    "which",
    "answer", "question", "model",   "text",   "value",  "case",   "result",  "reason",
    "part",   "form",     "number",  "time",   "point",  "line",   "word",    "example",
    "often",  "mostly",   "rarely",  "always", "never",  "simply", "clearly", "partly",
    "gives",  "takes",    "needs",   "shows",  "means",  "holds",  "makes",   "follows",
    "small",  "large",    "first",   "second", "new",    "known",  "common",  "single",
    "under",  "over",     "between", "after",  "before", "within", "without", "beyond"};

constexpr uint64_t sentence = 12; ///< tokens, the full stop included
constexpr size_t echo_bytes = 60; ///< enough to know one's prompt, less than most answers

} // namespace

void append_sim_token(std::string& out, uint64_t seed, uint64_t index) {
  if (index == 0) {
    out += sim_mark;
    return;
  }
  auto place = (index - 1) % sentence;
  if (place == sentence - 1) {
    out += '.';
    return;
  }
  auto word = words[sim_mix(seed ^ sim_mix(index)) % words.size()];
  out += ' ';
  auto begin = out.size();
  out += word;
  if (place == 0)
    out[begin] = static_cast<char>(out[begin] - 'a' + 'A');
}

std::string sim_text(uint64_t seed, int64_t tokens) {
  std::string result;
  result.reserve(static_cast<size_t>(tokens) * 6);
  for (int64_t i = 0; i < tokens; ++i)
    append_sim_token(result, seed, static_cast<uint64_t>(i));
  return result;
}

std::string sim_echo(std::string_view prompt) {
  auto end = prompt.size();
  if (end > echo_bytes) {
    end = echo_bytes;
    while (end > 0 && (static_cast<unsigned char>(prompt[end]) & 0xc0U) == 0x80U)
      --end; // not in the middle of a character
  }
  std::string result{sim_mark};
  result += " You said: ";
  for (char c : prompt.substr(0, end))
    result += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  result += end < prompt.size() ? "..." : ".";
  return result;
}

} // namespace sluice
