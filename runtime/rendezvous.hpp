#pragma once

#include "runtime/messages.hpp"

namespace sluice {

/// Which of `count` parts a key falls to (rendezvous hashing): evenly, and with one part more only
/// the keys of that part move. `count` is at least 1.
/// Source: Thaler and Ravishankar, "Using Name-Based Mappings to Increase Hit Rates", IEEE/ACM
/// Transactions on Networking 6(1), 1998.
inline size_t rendezvous(const fingerprint& key, size_t count) {
  size_t best = 0;
  uint64_t most = 0;
  for (size_t i = 0; i < count; ++i) {
    // The finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) of the key and the part.
    auto x = key.low ^ ((i + 1) * 0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    x ^= x >> 31;
    if (i == 0 || x > most) {
      best = i;
      most = x;
    }
  }
  return best;
}

} // namespace sluice
