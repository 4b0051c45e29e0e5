#pragma once

#include "runtime/actors.hpp"
#include "runtime/time.hpp"

#include <list>
#include <string>
#include <unordered_map>
#include <vector>

namespace sluice {

struct succession_settings {
  /// A question is ordered where it followed at least so often: two of three times another's
  /// prefetch is used then.
  double probability_min = 0.6;
  /// And at least so many times, as what happened twice may be chance.
  double times_min = 3;
  /// Whoever asks again later has begun something else.
  std::chrono::minutes pause_max{10};
  /// Questions remembered, of all tenants, and bytes of their requests.
  size_t questions_max = 10'000;
  uint64_t bytes_max = 16 * 1024 * 1024;
  /// Longer requests are conversations and documents, which do not come again.
  size_t body_bytes_max = 16 * 1024;
  /// Whose last question is remembered.
  size_t askers_max = 10'000;
};

/// Learns from the requests of a node which question follows which, and says what will probably be
/// asked next. Keys of requests differ between tenants, so nothing is learnt of one for another.
/// What lies back counts less. For one thread.
class succession {
public:
  explicit succession(const succession_settings& settings) : settings_(settings) {}

  /// Somebody asked something; what they will probably ask next, likeliest first.
  std::vector<prefetch_order> learn(asked_note&& x, steady_time now);

  size_t questions() const { return questions_.size(); }
  uint64_t bytes() const { return bytes_; }

  /// Questions that are remembered to follow one.
  static constexpr size_t followers_max = 4;
  /// A question that was asked so often counts half from then on, with what followed it.
  static constexpr double times_max = 32;

private:
  struct follower {
    fingerprint key;
    double times = 0;
  };
  struct question {
    endpoint kind = endpoint::chat_completions;
    shared_body body; ///< empty where it is too long
    nanousd cost;
    double times = 0;
    std::vector<follower> next; ///< most frequent first
    std::list<fingerprint>::iterator recent;
  };
  struct last_question {
    fingerprint key;
    steady_time at;
    std::list<std::string>::iterator recent;
  };
  struct hash {
    size_t operator()(const fingerprint& x) const { return x.low; }
  };

  question& question_of(const asked_note& x);
  void follow(const fingerprint& before, const fingerprint& after);
  fingerprint last_of(const std::string& asker, const fingerprint& now_asked, steady_time now);
  void make_room();

  succession_settings settings_;
  std::unordered_map<fingerprint, question, hash> questions_;
  std::list<fingerprint> recent_; ///< asked last first
  std::unordered_map<std::string, last_question> askers_;
  std::list<std::string> recent_askers_;
  uint64_t bytes_ = 0; ///< of bodies
};

} // namespace sluice
