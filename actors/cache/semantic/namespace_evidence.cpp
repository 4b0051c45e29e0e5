#include "actors/cache/semantic/namespace_evidence.hpp"

#include "runtime/record.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <bit>
#include <cmath>

namespace sluice {

namespace {

constexpr uint8_t version = 1;

/// Regions of a bound; a record that claims more is none.
constexpr uint64_t regions_max = 64;

void put(record_writer& to, double x) {
  to(std::bit_cast<uint64_t>(x));
}

struct field_reader {
  record_reader from;

  uint64_t number() {
    uint64_t result = 0;
    from(result);
    return result;
  }
  double fraction() { return std::bit_cast<double>(number()); }
};

void mix(uint64_t& to, uint64_t x) {
  to = XXH3_64bits_withSeed(&x, sizeof x, to);
}

} // namespace

uint64_t evidence_maker(uint64_t judge_version, const error_bound_settings& settings) {
  auto result = judge_version;
  mix(result, settings.regions.size());
  for (auto& x : settings.regions)
    for (auto part : {x.probability_min, x.samples, x.errors})
      mix(result, std::bit_cast<uint64_t>(part));
  mix(result, std::bit_cast<uint64_t>(error_bound::half_life));
  return result;
}

std::string evidence_bytes(const namespace_evidence& x, uint64_t maker) {
  record_writer to{version};
  to(maker);
  to(uint64_t{x.bound.regions.size()});
  for (auto& each : x.bound.regions) {
    to(each.served);
    to(each.verified);
    to(each.wrong);
    put(to, each.samples);
    put(to, each.errors);
  }
  put(to, x.bound.served_wrong);
  put(to, x.bound.served_wrong_variance);
  to(x.bound.suspicion_left);
  to(x.bound.suspected);
  put(to, x.wrong_rest);
  to(uint64_t{x.wrong.size()});
  for (auto& each : x.wrong) {
    to(each.key.high);
    to(each.key.low);
    put(to, each.probability);
  }
  return to.take();
}

std::optional<namespace_evidence> evidence_of(std::string_view bytes, uint64_t maker) {
  if (bytes.empty())
    return std::nullopt;
  field_reader from{record_reader{bytes, version}};
  if (from.number() != maker)
    return std::nullopt;
  namespace_evidence result;
  auto regions = from.number();
  if (regions > regions_max)
    return std::nullopt;
  for (uint64_t i = 0; i < regions; ++i) {
    auto& each = result.bound.regions.emplace_back();
    each.served = from.number();
    each.verified = from.number();
    each.wrong = from.number();
    each.samples = from.fraction();
    each.errors = from.fraction();
  }
  result.bound.served_wrong = from.fraction();
  result.bound.served_wrong_variance = from.fraction();
  result.bound.suspicion_left = static_cast<uint32_t>(from.number());
  result.bound.suspected = from.number();
  result.wrong_rest = from.fraction();
  auto wrong = from.number();
  if (from.from.error() || wrong > namespace_evidence::wrong_max ||
      !std::isfinite(result.wrong_rest))
    return std::nullopt;
  for (uint64_t i = 0; i < wrong; ++i) {
    auto& each = result.wrong.emplace_back();
    each.key.high = from.number();
    each.key.low = from.number();
    each.probability = from.fraction();
    if (!std::isfinite(each.probability))
      return std::nullopt;
  }
  return from.from.error() ? std::nullopt : std::optional{std::move(result)};
}

} // namespace sluice
