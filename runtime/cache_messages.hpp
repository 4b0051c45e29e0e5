#pragma once

#include "runtime/messages.hpp"
#include "runtime/shared_body.hpp"

#include <functional>

/// What the gateway and its cache say to each other; the handles stand in `runtime/actors.hpp`.
namespace sluice {

/// An answer as a caller got it, without what belongs to its request alone.
struct cached_answer {
  std::string content; ///< the JSON body; of a stream its events, without `[DONE]`
  uint32_t events = 0; ///< in the content, of a stream
  std::string deployment;
  token_usage usage; ///< of the call that gave it
  bool usage_known = false;
  nanousd cost; ///< likewise: what a hit saves
};

/// The cache's answer to a lookup.
struct cache_verdict {
  uint64_t call = 0;
  cache_result result = cache_result::miss;
  cached_answer answer;            ///< of a hit
  std::chrono::seconds age{0};     ///< since the answer came
  std::chrono::seconds expires{0}; ///< from now on; negative where it is stale
  fingerprint key;                 ///< of the entry that answers, where it is another request's
  double similarity = 0;           ///< likewise: cosine of the two questions
  double probability = 0;          ///< likewise: that both have the same answer
  bool more = false;               ///< of a miss: the meaning is looked at, another word will come
};

/// A tenant's name in a word, for what is only told apart within a process.
inline uint64_t tenant_mark(std::string_view name) {
  return std::hash<std::string_view>{}(name);
}

/// Keeps an answer; nothing is answered to it.
struct cache_fill {
  fingerprint key;
  cached_answer answer;
  std::chrono::seconds ttl{0}; ///< 0 for the cache's own
  std::chrono::seconds age{0}; ///< since it came, where it was kept elsewhere meanwhile
  uint64_t tenant = 0;         ///< `tenant_mark`
  bool warmed = false;         ///< nobody has asked for it yet
};

/// Keeps an answer for long, and lets it answer what asks the same in other words. Nothing is
/// answered to it.
struct answer_fill {
  fingerprint key;
  fingerprint scope;    ///< the namespace; zero where only the same request may be answered
  std::string question; ///< where `scope` is set
  std::string tenant;
  cached_answer answer;
  std::chrono::seconds ttl{0}; ///< 0 for the cache's own
};

/// Asks a request in advance, where its answer is not kept and the budget allows it.
struct prefetch_order {
  std::string key_id; ///< of the virtual key that will probably ask
  endpoint kind = endpoint::chat_completions;
  fingerprint key; ///< as in `cache_fill`
  shared_body body;
  nanousd cost; ///< of the last answer to it
};

/// Two answers to one question: do they say the same?
struct answer_check {
  uint64_t ticket = 0; ///< as who asks numbers it
  std::string tenant;  ///< whose texts these are
  std::string question;
  std::string kept;
  std::string fresh;
};

/// What a check came to. Append only.
enum class check_outcome : uint8_t {
  same,
  different,
  unknown,  ///< it failed, or said nothing that can be read: it proves nothing
  declined, ///< it was not made: too many are under way, or the day's budget is used up
};

struct check_result {
  uint64_t ticket = 0;
  check_outcome outcome = check_outcome::unknown;
};

/// Texts that the cache compares by meaning.
struct reading_order {
  std::string tenant; ///< whose texts these are
  std::vector<std::string> texts;
};

/// What is known of a text: where it lies among others, and what a judge needs beside.
struct text_form {
  std::vector<float> vector; ///< of length 1
  std::string facts;         ///< as the reader's judge writes them
};

/// A form for each text, in their order.
struct text_reading {
  std::vector<text_form> forms;
};

/// Answers to be forgotten: those of a tenant, or all where it is empty.
struct cache_purge {
  std::string tenant;
};

} // namespace sluice
