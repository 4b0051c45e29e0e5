#pragma once

#include "actors/cache/semantic/error_bound.hpp"
#include "actors/cache/semantic/namespace_evidence.hpp"
#include "actors/cache/semantic/nearest_index.hpp"
#include "actors/cache/semantic/text_judge.hpp"
#include "runtime/messages.hpp"
#include "runtime/time.hpp"

#include <functional>
#include <list>
#include <optional>
#include <random>

namespace sluice {

struct semantic_settings {
  size_t entries_max = 20'000;   ///< of all namespaces
  size_t namespaces_max = 4'096; ///< the least recently used goes with its entries
  double similarity_min = 0.85;  ///< SIMILARITY_THRESHOLD: below it nothing is even judged
  error_bound_settings bound;
  uint64_t seed = 0; ///< of what is verified and of what is looked at for eviction
};

/// What L2 knows of a question.
struct semantic_verdict {
  hit_decision decision = hit_decision::unlikely;
  fingerprint key;        ///< of the entry that would answer; zero where there is none near
  float similarity = 0;   ///< to it
  double probability = 0; ///< that it has the same answer
  std::string_view why;   ///< the judge's
};

/// L2: which stored question asks the same? Namespaces (`merge_terms::scope`) are indexed and
/// bounded each by itself; nothing crosses from one to another. It knows keys, not answers.
///
/// When full, it drops first what a near neighbour stands for, then what is used least and longest
/// ago: of `sample_size` entries drawn at random the worst, as Redis does, which needs no order to
/// be kept up to date.
///
/// For one thread.
class semantic_cache {
public:
  /// `facts_of` fetches what was stored of an entry's question; nothing where it is gone.
  using facts_source = std::function<std::optional<std::string>(const fingerprint& key)>;

  semantic_cache(semantic_settings settings, text_judge& judge, facts_source facts_of);

  /// The best entry for a question and what to do with it. Whoever serves or compares it says so
  /// below. `error_rate_max` is that of the namespace from now on; negative for the settings'.
  semantic_verdict find(const fingerprint& scope, const question_form& asked, steady_time now,
                        double error_rate_max = -1);

  /// A verdict's entry was served.
  void served(const fingerprint& scope, const semantic_verdict& verdict);
  /// A verdict's entry was compared with an answer from upstream. Where it was wrong, it answers no
  /// more to what the judge is not surer of.
  void verified(const fingerprint& scope, const semantic_verdict& verdict, bool right);

  /// From now on `key` can answer. `redundant_to`: the key of an entry that answers the same, or
  /// zero.
  void insert(const fingerprint& scope, const fingerprint& key, std::span<const float> vector,
              const fingerprint& redundant_to, steady_time now);
  /// Likewise, of an entry that was there before the start: what was known of its errors holds.
  void insert_kept(const fingerprint& scope, const fingerprint& key, std::span<const float> vector,
                   steady_time now);
  void erase(const fingerprint& key);
  void erase_scope(const fingerprint& scope);

  /// What the namespace has shown; nothing where it is not there.
  std::optional<namespace_evidence> evidence_of(const fingerprint& scope) const;
  /// Goes on from it. False where it is none of this program's making.
  bool restore(const fingerprint& scope, const namespace_evidence& x);
  /// All that was there before the start has been inserted: errors of anything else are forgotten.
  void forget_absent();
  /// What it has shown is to be told again by `take_changed`.
  void mark_changed(const fingerprint& scope);
  /// Namespaces that showed something since the last call.
  std::vector<fingerprint> take_changed();
  /// Namespaces that went to make room for others, since the last call.
  std::vector<fingerprint> take_dropped();

  bool contains(const fingerprint& key) const { return by_key_.count(key) > 0; }
  size_t entries() const { return entries_.size(); }
  size_t namespaces() const { return spaces_.size(); }
  uint64_t bytes() const;
  uint64_t evicted() const { return evicted_; }

  /// Of a namespace; null where it has no entry and no evidence.
  const error_bound* bound_of(const fingerprint& scope) const;
  /// Share of the last lookups in a namespace that were served, 0 to 1.
  double hit_share(const fingerprint& scope) const;
  /// Every namespace, most recently used first.
  void for_each(const std::function<void(const fingerprint& scope, const error_bound& bound,
                                         size_t entries)>& tell) const;

  /// Neighbours that the judge looks at: where the nearest differs in a number, the second may be
  /// the one, and how the others lie says something of each.
  static constexpr size_t neighbours = 10;
  static constexpr size_t sample_size = 16;

private:
  struct entry {
    fingerprint scope;
    fingerprint key;
    fingerprint redundant_to;
    double uses = 0; ///< faded
    steady_time used{};
    size_t place = 0; ///< in `order_`
  };
  struct hash {
    size_t operator()(const fingerprint& x) const { return x.low; }
  };
  struct space {
    nearest_index index;
    error_bound bound;
    double hit_share = 0;
    std::list<fingerprint>::iterator recent;
    /// By entry, the highest probability at which it was wrong. After a start those of entries that
    /// are still to be inserted as well.
    std::unordered_map<fingerprint, double, hash> wrong_at{};
    double wrong_rest = -1; ///< as in `namespace_evidence`
    bool changed = false;
  };

  void note_change(const fingerprint& scope, space& x);
  space& space_of(const fingerprint& scope);
  void erase_entry(uint64_t id);
  void make_room(steady_time now);
  double worth(const entry& x, steady_time now) const;

  semantic_settings settings_;
  text_judge& judge_;
  facts_source facts_of_;
  std::unordered_map<fingerprint, space, hash> spaces_;
  std::list<fingerprint> recent_; ///< namespaces, most recently used first
  std::vector<fingerprint> changed_;
  std::vector<fingerprint> dropped_;
  std::unordered_map<uint64_t, entry> entries_;
  std::unordered_map<fingerprint, uint64_t, hash> by_key_;
  std::vector<uint64_t> order_; ///< ids in no order, to draw from
  uint64_t next_id_ = 1;
  uint64_t evicted_ = 0;
  std::mt19937_64 random_;
};

} // namespace sluice
