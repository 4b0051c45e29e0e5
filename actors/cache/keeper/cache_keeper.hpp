#pragma once

#include "actors/cache/semantic/semantic_cache.hpp"
#include "runtime/actors.hpp"
#include "runtime/answer_archive.hpp"

#include <array>
#include <deque>
#include <list>
#include <map>
#include <memory>

namespace sluice {

struct keeper_settings {
  std::chrono::seconds ttl{0};            ///< as in `cache_settings`
  uint32_t ttl_jitter_percent = 0;        ///< as in `cache_settings`
  std::chrono::seconds stale_if_error{0}; ///< as in `cache_settings`
  std::chrono::seconds kept_beyond{0};    ///< their time: as long as any caller may take them
  uint64_t seed = 0;                      ///< of the jitter
  size_t hottest = 0;                     ///< answers for L1 at the start
  semantic_settings semantic;
  /// Questions that wait to be read; more are not looked at by meaning. At 3 ms each a second of
  /// work, which nobody waits for: see `wait_max`.
  size_t waiting_max = 256;
  /// A question that waited longer is answered unread: the provider's answer is on its way by then.
  std::chrono::milliseconds wait_max{100};
  /// Where less than this share of a namespace's questions was answered by meaning lately, who asks
  /// calls the provider meanwhile. A tenth of the calls that are then given up was paid for in
  /// vain; waiting would cost the other nine tenths the time to read a question.
  double beside_below = 0.1;
  /// Samples that a model may compare at once, if any; what is more is compared by its vectors. As
  /// many as the checker takes.
  size_t checks_max = 0;
};

struct keeper_times {
  steady_time now;
  wall_time wall;
};

/// An answer for whoever asked.
struct keeper_word {
  cache_client_actor to;
  cache_verdict what;
};

/// What became of the evidence of earlier processes at a start, in namespaces.
struct loaded_evidence {
  size_t kept = 0;
  size_t dropped = 0; ///< of another encoder or judge, or of no use to anybody
  size_t damaged = 0;
};

/// What is known of a namespace.
namespace_report quality_of(const fingerprint& scope, const error_bound& bound, size_t entries);

/// L2 and L3: which kept answer is one to this? `cache_keeper_actor` runs it. Blocks for the disk
/// and for the encoder.
///
/// A lookup is answered at once where the archive has its key. Otherwise its question waits to be
/// read with others (`read`), as the encoder takes several in little more time than one. What was
/// learnt of a question is remembered until its answer comes (`keep`), which is then compared with
/// the kept one, where that was not served.
class cache_keeper {
public:
  /// Without `judge` there is no L2. `archive` and `judge` outlive this. Reads what namespaces have
  /// shown before.
  cache_keeper(keeper_settings settings, answer_archive& archive, text_judge* judge);

  void look_up(kept_lookup&& x, const keeper_times& at, std::vector<keeper_word>& say);
  bool questions_wait() const { return !waiting_.empty(); }
  /// Reads some of the questions that wait.
  void read(const keeper_times& at, std::vector<keeper_word>& say);
  void keep(answer_fill&& x, const keeper_times& at);
  /// What a model is to compare since the last call. Each is answered with `checked`.
  std::vector<answer_check> take_checks() { return std::exchange(checks_, {}); }
  void checked(const check_result& x, const keeper_times& at);
  /// Fails with `storage_failed`.
  caf::expected<uint64_t> purge(const cache_purge& x);

  /// A step of what follows a start, beside which lookups are answered: looks for the entries of
  /// greatest worth, hands their answers over for L1, and puts into L2 as many as it takes, best
  /// first. False when all is done.
  bool warm_some(const keeper_times& at, std::vector<cache_fill>& fills);
  /// Makes room in the archive, and writes down what namespaces have shown from time to time.
  void tidy(const keeper_times& at);
  /// Writes down what namespaces have shown, now.
  void save_evidence(const keeper_times& at);
  const loaded_evidence& evidence_loaded() const { return loaded_; }

  keeper_report report() const;

  /// Entries that a step of the search looks at: some 2 ms.
  static constexpr uint32_t search_step = 2'048;
  /// Answers that a step hands over for L1, 0.1 ms each.
  static constexpr uint32_t fill_step = 32;
  /// Entries that a step puts into L2: about 5 ms of a graph's work.
  static constexpr uint32_t index_step = 16;
  /// Of these, as many as come without an encoding are read: 3 to 7 ms each.
  static constexpr uint32_t index_reads = 2;
  /// Questions read together: with more, the first of them wait for the last.
  static constexpr size_t read_together = 8;
  /// Questions remembered until their answers come, 2 to 10 KB each.
  static constexpr size_t remembered_max = 1'024;
  /// Between two writings of evidence, unless there is an error among it, which is written at once:
  /// what a kill loses is right answers, which makes L2 more careful.
  static constexpr std::chrono::seconds evidence_interval{10};
  /// Namespaces in a report: what a person or a time series database can look at.
  static constexpr size_t reported_max = 50;

private:
  struct waiting {
    kept_lookup x;
    steady_time since;
    bool told = false; ///< of `more`
  };
  struct remembered {
    fingerprint key;
    fingerprint scope;
    question_form form;
    semantic_verdict verdict;
  };
  struct hash {
    size_t operator()(const fingerprint& x) const { return x.low; }
  };
  /// What is left to be done after a start, in this order.
  struct start {
    hot_search search;
    size_t filled = 0;                               ///< of `search.best`, into L1
    size_t indexed = 0;                              ///< likewise, into L2
    std::optional<fingerprint> rest = fingerprint{}; ///< where L2 has room for more: all, by key
  };
  /// What a step may still do.
  struct allowance {
    uint32_t entries = 0;
    uint32_t reads = 0;
  };
  /// Two answers that are to be compared, and what follows from it.
  struct check_subject {
    fingerprint scope;
    semantic_verdict verdict; ///< whose entry gave the first
    std::string kept;
    std::string fresh;
  };

  bool l2_is_full() const { return semantic_->entries() >= settings_.semantic.entries_max; }
  bool search_some();
  bool fill_some(const keeper_times& at, std::vector<cache_fill>& fills);
  bool index_best(const keeper_times& at);
  bool index_rest(const keeper_times& at);
  bool index(const answer_meta& x, const keeper_times& at, allowance& left);
  std::optional<std::string> facts_of(const fingerprint& key);
  std::optional<cache_verdict> exact(const kept_lookup& x, const keeper_times& at);
  cache_verdict by_meaning(const waiting& asked, question_form&& form, const keeper_times& at);
  std::optional<found_answer> fetch(const fingerprint& key, wall_time now, bool use);
  std::optional<remembered> take_remembered(const fingerprint& key);
  void remember(remembered&& x);
  bool compare(const remembered& asked, const answer_fill& x, const keeper_times& at);
  bool compare_vectors(const check_subject& what, const keeper_times& at);
  void verified(const check_subject& what, bool right, const keeper_times& at);
  std::optional<question_form> encode_kept(const answer_meta& x, const keeper_times& at);
  void load_evidence();
  void forget_namespaces(const std::string& tenant);
  std::chrono::seconds lifetime(std::chrono::seconds ttl);
  bool failed(const caf::error& x);

  keeper_settings settings_;
  answer_archive& archive_;
  text_judge* judge_;
  std::optional<semantic_cache> semantic_; ///< where there is a judge
  wall_time wall_{};                       ///< of the call that is being carried out
  std::deque<waiting> waiting_;
  std::list<remembered> remembered_; ///< newest first
  std::unordered_map<fingerprint, std::list<remembered>::iterator, hash> remembered_at_;
  std::optional<start> start_;                                 ///< until it is done
  std::unordered_map<fingerprint, std::string, hash> tenants_; ///< of L2's namespaces
  std::vector<answer_check> checks_;                           ///< to be handed out
  std::map<uint64_t, check_subject> under_check_; ///< by ticket, handed out or about to be
  uint64_t ticket_next_ = 1;
  std::array<uint64_t, 4> checked_{}; ///< by outcome
  loaded_evidence loaded_;
  steady_time saved_at_{};
  std::mt19937_64 random_;
  uint64_t shed_ = 0;
  uint64_t read_ = 0;
  uint64_t failures_ = 0;
};

} // namespace sluice
