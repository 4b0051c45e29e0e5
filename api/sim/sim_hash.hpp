#pragma once

#include <cstdint>
#include <string_view>

/// Reproducible numbers. The simulator must say the same on every machine and in every version of a
/// library, so it uses neither `std::hash` nor the distributions of `<random>`.
namespace sluice {

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): neighbours in, unrelated numbers out.
constexpr uint64_t sim_mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15U;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

/// FNV-1a over `text`, begun at `seed` and mixed at the end.
constexpr uint64_t sim_hash(uint64_t seed, std::string_view text) {
  uint64_t h = 0xcbf29ce484222325U ^ sim_mix(seed);
  for (char c : text)
    h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return sim_mix(h);
}

} // namespace sluice
