#include "storage/answer_record.hpp"

#include "runtime/record.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <bit>
#include <cmath>
#include <cstring>

namespace sluice {

namespace {

constexpr size_t checksum_bytes = 16;
constexpr std::string_view totals_key = "totals";

/// The fields of `use`: version, `expires`, count and last.
constexpr size_t use_bytes = 1 + 3 * 8;

void put_number(std::string& to, uint64_t x) {
  for (size_t i = 0; i < 8; ++i)
    to.push_back(static_cast<char>(x >> (56 - 8 * i) & 0xff));
}

uint64_t number_at(std::string_view bytes, size_t at) {
  uint64_t result = 0;
  for (auto c : bytes.substr(at, 8))
    result = result << 8 | static_cast<unsigned char>(c);
  return result;
}

/// False for what no record can have; `to` is bounded then, too.
bool time_of(int64_t seconds, sys_seconds& to) {
  // Differences of what lies outside would overflow.
  auto sound = seconds >= 0 && seconds <= time_max.time_since_epoch().count();
  to = sys_seconds{std::chrono::seconds{sound ? seconds : 0}};
  return sound;
}

/// Teaches the writer the types of an answer.
struct field_writer {
  record_writer to{answer_version};

  void operator()(const std::string& x) { to(x); }
  void operator()(uint64_t x) { to(x); }
  void operator()(int64_t x) { to(x); }
  void operator()(uint32_t x) { to(x); }
  void operator()(bool x) { to(uint64_t{x}); }
  void operator()(sys_seconds x) { to(int64_t{x.time_since_epoch().count()}); }
  void operator()(const fingerprint& x) {
    to(x.high);
    to(x.low);
  }
};

/// The same for the reader.
struct field_reader {
  explicit field_reader(std::string_view bytes) : from(bytes, answer_version) {}
  record_reader from;
  bool sound = true;

  void operator()(std::string& x) { from(x); }
  void operator()(uint64_t& x) { from(x); }
  void operator()(int64_t& x) { from(x); }
  void operator()(uint32_t& x) { from(x); }
  void operator()(bool& x) {
    uint64_t number = x;
    from(number);
    x = number != 0;
  }
  void operator()(sys_seconds& x) {
    int64_t seconds = x.time_since_epoch().count();
    from(seconds);
    sound = time_of(seconds, x) && sound;
  }
  void operator()(fingerprint& x) {
    from(x.high);
    from(x.low);
  }
};

/// The fields in their order on the disk; append only, or take the next `answer_version`.
template <class Archive, class Meta, class Answer>
void content_fields(Archive& f, Meta& meta, Answer& answer) {
  f(meta.expires);
  f(meta.created);
  f(meta.scope);
  f(meta.tenant);
  f(answer.content);
  f(answer.events);
  f(answer.deployment);
  f(answer.usage.input);
  f(answer.usage.cache_read);
  f(answer.usage.cache_write);
  f(answer.usage.output);
  f(answer.usage.reasoning);
  f(answer.usage_known);
  f(answer.cost.value);
}

template <class Archive, class Meta>
void meta_fields(Archive& f, Meta& x) {
  f(x.expires);
  f(x.created);
  f(x.scope);
  f(x.tenant);
  f(x.question);
  f(x.encoding);
  f(x.content_bytes);
}

XXH128_canonical_t checksum(answer_kind kind, std::string_view key, std::string_view bytes) {
  auto seed = XXH3_64bits_withSeed(key.data(), key.size(), static_cast<XXH64_hash_t>(kind));
  XXH128_canonical_t result;
  XXH128_canonicalFromHash(&result, XXH3_128bits_withSeed(bytes.data(), bytes.size(), seed));
  return result;
}

/// Takes the checksum off `bytes` where it is right.
record_state unseal(answer_kind kind, std::string_view key, std::string_view& bytes) {
  if (bytes.size() <= checksum_bytes)
    return record_state::damaged;
  auto fields = bytes.substr(0, bytes.size() - checksum_bytes);
  auto expected = checksum(kind, key, fields);
  if (std::memcmp(expected.digest, bytes.data() + fields.size(), checksum_bytes) != 0)
    return record_state::damaged;
  bytes = fields;
  auto version = static_cast<uint8_t>(fields.front());
  return version == answer_version ? record_state::whole : record_state::foreign;
}

template <class Read>
record_state decode(answer_kind kind, std::string_view key, std::string_view bytes, Read read) {
  auto state = unseal(kind, key, bytes);
  if (state != record_state::whole)
    return state;
  field_reader reader{bytes};
  read(reader);
  return reader.from.error() || !reader.sound ? record_state::damaged : record_state::whole;
}

} // namespace

std::string key_bytes(const fingerprint& x) {
  std::string result;
  put_number(result, x.high);
  put_number(result, x.low);
  return result;
}

fingerprint key_of(std::string_view bytes) {
  return {number_at(bytes, 0), number_at(bytes, 8)};
}

std::string sealed(answer_kind kind, std::string_view key, std::string fields) {
  auto sum = checksum(kind, key, fields);
  fields.append(reinterpret_cast<const char*>(sum.digest), checksum_bytes);
  return fields;
}

std::string encode_content(std::string_view key, const answer_record& x) {
  field_writer f;
  content_fields(f, x.meta, x.answer);
  return sealed(answer_kind::content, key, f.to.take());
}

std::string encode_meta(std::string_view key, const answer_meta& x) {
  field_writer f;
  meta_fields(f, x);
  return sealed(answer_kind::meta, key, f.to.take());
}

std::string encode_use(std::string_view key, const answer_use& x, sys_seconds expires) {
  std::string fields(1, static_cast<char>(answer_version));
  put_number(fields, static_cast<uint64_t>(expires.time_since_epoch().count()));
  put_number(fields, std::bit_cast<uint64_t>(x.count));
  put_number(fields, static_cast<uint64_t>(x.last.time_since_epoch().count()));
  return sealed(answer_kind::use, key, std::move(fields));
}

std::string encode_totals(const answer_totals& x) {
  field_writer f;
  f(x.entries);
  f(x.bytes);
  return sealed(answer_kind::totals, totals_key, f.to.take());
}

record_state decode_content(std::string_view key, std::string_view bytes, found_answer& to) {
  return decode(answer_kind::content, key, bytes,
                [&](auto& f) { content_fields(f, to, to.answer); });
}

record_state decode_meta(std::string_view key, std::string_view bytes, answer_meta& to) {
  auto state = decode(answer_kind::meta, key, bytes, [&](auto& f) { meta_fields(f, to); });
  if (key.size() != 16)
    return record_state::damaged;
  to.key = key_of(key);
  return state;
}

record_state decode_use(std::string_view key, std::string_view bytes, answer_use& to,
                        sys_seconds& expires) {
  auto state = unseal(answer_kind::use, key, bytes);
  if (state != record_state::whole)
    return state;
  if (bytes.size() != use_bytes)
    return record_state::damaged;
  auto sound = time_of(static_cast<int64_t>(number_at(bytes, 1)), expires);
  to.count = std::bit_cast<double>(number_at(bytes, 9));
  sound = time_of(static_cast<int64_t>(number_at(bytes, 17)), to.last) && sound;
  // A count that is no number would make every comparison false.
  return sound && std::isfinite(to.count) && to.count >= 0 ? record_state::whole
                                                           : record_state::damaged;
}

record_state decode_totals(std::string_view bytes, answer_totals& to) {
  return decode(answer_kind::totals, totals_key, bytes, [&](auto& f) {
    f(to.entries);
    f(to.bytes);
  });
}

std::string encode_evidence(std::string_view key, const answer_evidence& x) {
  field_writer f;
  f(x.shown);
  f(x.tenant);
  f(x.bytes);
  return sealed(answer_kind::evidence, key, f.to.take());
}

record_state decode_evidence(std::string_view key, std::string_view bytes, answer_evidence& to) {
  if (key.size() != 16)
    return record_state::damaged;
  to.scope = key_of(key);
  return decode(answer_kind::evidence, key, bytes, [&](auto& f) {
    f(to.shown);
    f(to.tenant);
    f(to.bytes);
  });
}

sys_seconds expiry_of(answer_kind kind, std::string_view key, std::string_view bytes) {
  auto result = sys_seconds::max();
  answer_use ignored;
  auto state = kind == answer_kind::use ? decode_use(key, bytes, ignored, result)
                                        : decode(kind, key, bytes, [&](auto& f) { f(result); });
  return state == record_state::whole ? result : sys_seconds::max();
}

} // namespace sluice
