#pragma once

#include "actors/cache/frequency_sketch.hpp"

#include <array>
#include <cstdint>
#include <list>
#include <unordered_map>
#include <vector>

namespace sluice {

struct cache_bounds {
  uint64_t entries = 0;
  uint64_t bytes = 0;
};

/// Which keys a cache keeps (W-TinyLFU): what is new has to pass a small window, and then to have
/// been asked for more often than what it would replace. So a scan of things that are asked for
/// once leaves alone what is asked for again and again.
///
/// The window holds one entry in a hundred; of the rest four fifths are protected: asked for since
/// they came out of the window. Shares as in Einziger, Eytan, Friedman and Manes, "Adaptive
/// Software Cache Management", Middleware 2018, section 2.
class tiny_lfu {
public:
  explicit tiny_lfu(const cache_bounds& bounds);

  /// `key` was asked for; whether it is here or not.
  void asked(const fingerprint& key);
  /// Takes `key`, which is not here, and names those that have to go for it in `gone`: perhaps
  /// `key` itself.
  void add(const fingerprint& key, uint64_t bytes, std::vector<fingerprint>& gone);
  /// Forgets `key`.
  void remove(const fingerprint& key);

  uint64_t entries() const { return nodes_.size(); }
  uint64_t bytes() const;

private:
  enum segment : uint8_t { window, probation, guarded };
  static constexpr size_t segments = 3;

  struct hash {
    size_t operator()(const fingerprint& x) const { return x.low; }
  };
  using order = std::list<fingerprint>; ///< latest first
  struct node {
    order::iterator at;
    segment in;
    uint64_t bytes;
  };

  void move(node& x, segment to);
  bool over(segment in) const;
  bool full() const;
  /// The one that goes where room is needed; by right the least lately used on probation.
  const fingerprint& next_to_go() const;

  cache_bounds bounds_;
  std::array<cache_bounds, segments> most_; ///< the probation's is what the others leave
  std::array<cache_bounds, segments> used_{};
  std::array<order, segments> orders_;
  std::unordered_map<fingerprint, node, hash> nodes_;
  frequency_sketch counts_;
};

} // namespace sluice
