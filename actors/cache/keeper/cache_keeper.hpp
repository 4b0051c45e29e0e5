#pragma once

#include "actors/cache/semantic/semantic_cache.hpp"
#include "runtime/actors.hpp"
#include "runtime/answer_archive.hpp"

#include <array>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <variant>

namespace sluice {

struct keeper_settings {
  std::chrono::seconds ttl{0};            ///< as in `cache_settings`
  uint32_t ttl_jitter_percent = 0;        ///< as in `cache_settings`
  std::chrono::seconds stale_if_error{0}; ///< as in `cache_settings`
  std::chrono::seconds kept_beyond{0};    ///< their time: as long as any caller may take them
  uint64_t seed = 0;                      ///< of the jitter
  size_t hottest = 0;                     ///< answers for L1 at the start
  semantic_settings semantic;
  /// Texts are read so many orders at once: an encoder has one thread, a provider more.
  size_t readings_max = 1;
  /// Whether texts of different tenants are read apart, as each pays for its own.
  bool apart = false;
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

/// Texts that a keeper wants read.
struct keeper_reading {
  uint64_t ticket = 0;
  reading_order what;
};

/// What a step of the work after a start came to.
enum class warm_step : uint8_t {
  more,  ///< there is more to be done
  later, ///< there is, once something has been read
  done,
};

/// What is known of a namespace.
namespace_report quality_of(const fingerprint& scope, const error_bound& bound, size_t entries);

/// L2 and L3: which kept answer is one to this? `cache_keeper_actor` runs it. Blocks for the disk.
///
/// A lookup is answered at once where the archive has its key. Otherwise its question waits to be
/// read with others, as an encoder takes several in little more time than one. Who reads is the
/// caller's business: what is to be read is handed out (`take_readings`), and what came of it
/// handed in (`texts_read`). What was learnt of a question is remembered until its answer comes
/// (`keep`), which is then compared with the kept one, where that was not served. An answer that
/// comes before its question was read is kept at once and gets its encoding later.
class cache_keeper {
public:
  /// Without `judge` there is no L2. `archive` and `judge` outlive this. Reads what namespaces have
  /// shown before.
  cache_keeper(keeper_settings settings, answer_archive& archive, text_judge* judge);

  void look_up(kept_lookup&& x, const keeper_times& at, std::vector<keeper_word>& say);
  /// Whether `read` would do something.
  bool wants_to_read() const;
  /// Makes orders of texts that wait, as many as may be read at once; questions come first.
  void read(const keeper_times& at, std::vector<keeper_word>& say);
  /// Orders made since the last call. Each is answered with `texts_read`.
  std::vector<keeper_reading> take_readings() { return std::exchange(readings_, {}); }
  /// The forms of an order's texts, in their order; null where they could not be read.
  void texts_read(uint64_t ticket, std::vector<question_form>* forms, const keeper_times& at,
                  std::vector<keeper_word>& say);
  void keep(answer_fill&& x, const keeper_times& at);
  /// What a model is to compare since the last call. Each is answered with `checked`.
  std::vector<answer_check> take_checks() { return std::exchange(checks_, {}); }
  void checked(const check_result& x, const keeper_times& at);
  /// Fails with `storage_failed`.
  caf::expected<uint64_t> purge(const cache_purge& x);

  /// A step of what follows a start, beside which lookups are answered: looks for the entries of
  /// greatest worth, hands their answers over for L1, and puts into L2 as many as it takes, best
  /// first.
  warm_step warm_some(const keeper_times& at, std::vector<cache_fill>& fills);
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
  /// Orders of a kind that wait beside questions: samples, which take turns with them, and entries
  /// that came without an encoding, which are behind both. While there are as many samples nothing
  /// is served by meaning, as errors would not be noticed; more entries go without until the next
  /// start.
  static constexpr size_t behind_max = 64;
  /// Of their texts: as many answers of usual length, and a few of the longest.
  static constexpr size_t behind_bytes_max = 4 * 1024 * 1024;
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
    bool before_start = false; ///< an entry that was there before
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
    size_t unread = 0;                               ///< entries that are being read for L2
  };
  /// Two answers that are to be compared, and what follows from it.
  struct check_subject {
    std::string tenant;
    fingerprint scope;
    semantic_verdict verdict; ///< whose entry gave the first
    std::string kept;
    std::string fresh;
  };
  /// What an order's texts are read for.
  using questions = std::vector<waiting>;
  using reading_purpose = std::variant<questions, remembered, check_subject>;
  /// Orders that wait behind questions.
  class orders_behind {
  public:
    /// False where too much waits.
    bool push(reading_order&& what, reading_purpose&& why);
    std::pair<reading_order, reading_purpose> pop();
    bool empty() const { return orders_.empty(); }
    bool full() const { return orders_.size() >= behind_max || bytes_ >= behind_bytes_max; }

  private:
    std::deque<std::pair<reading_order, reading_purpose>> orders_;
    size_t bytes_ = 0;
  };

  bool l2_is_full() const { return semantic_->entries() >= settings_.semantic.entries_max; }
  bool search_some();
  bool fill_some(const keeper_times& at, std::vector<cache_fill>& fills);
  bool index_best(const keeper_times& at);
  bool index_rest(const keeper_times& at);
  bool index(const answer_meta& x, const keeper_times& at, uint32_t& left);
  std::optional<std::string> facts_of(const fingerprint& key);
  std::optional<cache_verdict> exact(const kept_lookup& x, const keeper_times& at);
  void shed_old(const keeper_times& at, std::vector<keeper_word>& say);
  questions take_questions();
  bool text_waits() const {
    return !waiting_.empty() || !samples_.empty() || !unread_entries_.empty();
  }
  void order(reading_order&& what, reading_purpose&& why);
  void on_read(questions& asked, std::vector<question_form>* forms, const keeper_times& at,
               std::vector<keeper_word>& say);
  void on_read(remembered& entry, std::vector<question_form>* forms, const keeper_times& at);
  void on_read(check_subject& what, std::vector<question_form>* forms, const keeper_times& at);
  cache_verdict by_meaning(const waiting& asked, question_form&& form, const keeper_times& at);
  std::optional<found_answer> fetch(const fingerprint& key, wall_time now, bool use);
  std::optional<remembered> take_remembered(const fingerprint& key);
  void remember(remembered&& x);
  bool compare(const remembered& asked, const answer_meta& x, const cached_answer& fresh,
               const keeper_times& at);
  void compare_vectors(check_subject&& what);
  void verified(const check_subject& what, bool right, const keeper_times& at);
  void complete(remembered&& known, const keeper_times& at);
  void index_kept(const answer_meta& x, const remembered& known, bool same, const keeper_times& at);
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
  orders_behind samples_;
  bool sample_is_next_ = false; ///< questions were read last
  orders_behind unread_entries_;
  std::vector<keeper_reading> readings_;              ///< to be handed out
  std::map<uint64_t, reading_purpose> under_reading_; ///< by ticket, likewise
  std::unordered_map<fingerprint, bool, hash> asked_; ///< questions that wait or are
                                                      ///< read: has the answer come?
  std::list<remembered> remembered_;                  ///< newest first
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
