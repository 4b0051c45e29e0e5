#pragma once

#include "actors/cache/keeper/cache_keeper.hpp"
#include "actors/cache/keeper/read_at_once.hpp"
#include "tests/support/fake_judge.hpp"
#include "tests/support/memory_archive.hpp"

#include <gtest/gtest.h>

namespace sluice::test {

using namespace std::chrono_literals;

/// A keeper on an archive in memory, with a judge that says what the test wants.
class cache_keeper_fixture : public ::testing::Test {
protected:
  static constexpr fingerprint scope{1, 1};

  static keeper_settings settings() {
    keeper_settings result;
    result.ttl = 1h;
    result.stale_if_error = 10min;
    result.kept_beyond = 10min;
    result.waiting_max = 10;
    result.beside_below = 0; // who asks waits
    result.semantic.bound.verified_share_start = 0;
    result.semantic.bound.verified_share_min = 0;
    result.semantic.bound.regions = {{0.5, 0, 0}, {0.95, 1'000, 0}};
    return result;
  }

  void make(keeper_settings with = settings(), bool judged = true) {
    keeper_ = std::make_unique<cache_keeper>(with, archive_, judged ? &judge_ : nullptr);
  }

  static cached_answer answer(const std::string& text) {
    cached_answer result;
    result.content = R"({"choices":[{"message":{"role":"assistant","content":")" + text + "\"}}]}";
    result.deployment = "p/m";
    return result;
  }

  void keep_unread(fingerprint key, const std::string& question, const std::string& text,
                   fingerprint where = scope) {
    answer_fill fill;
    fill.key = key;
    fill.scope = where;
    fill.question = question;
    fill.tenant = "t";
    fill.answer = answer(text);
    keeper_->keep(std::move(fill), at_);
  }

  /// The same, and its question is read.
  void keep(fingerprint key, const std::string& question, const std::string& text,
            fingerprint where = scope) {
    keep_unread(key, question, text, where);
    read_all();
  }

  /// Reads what is to be read; what is said besides is of no interest.
  void read_all() {
    std::vector<keeper_word> say;
    read_at_once(*keeper_, judge_, at_, say);
  }

  kept_lookup lookup(fingerprint key, const std::string& question, fingerprint where = scope) {
    kept_lookup result;
    result.call = ++calls_;
    result.key = key;
    result.scope = where;
    result.question = question;
    return result;
  }

  /// All that is said until nothing waits.
  std::vector<cache_verdict> ask(kept_lookup&& x) {
    std::vector<keeper_word> say;
    keeper_->look_up(std::move(x), at_, say);
    read_at_once(*keeper_, judge_, at_, say);
    std::vector<cache_verdict> result;
    for (auto& word : say)
      result.push_back(std::move(word.what));
    return result;
  }

  /// Does what follows a start, counting its steps.
  int warm_up() {
    int steps = 0;
    while (keeper_->warm_some(at_, fills_) != warm_step::done) {
      read_all();
      ++steps;
    }
    return steps;
  }

  std::vector<cache_fill> fills_; ///< of L1, after `warm_up`
  fake_judge judge_;
  memory_archive archive_;
  std::unique_ptr<cache_keeper> keeper_;
  keeper_times at_{steady_time{}, wall_time{1'000'000s}};
  uint64_t calls_ = 0;
};

} // namespace sluice::test
