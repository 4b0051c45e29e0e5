#include "runtime/ec.hpp"
#include "storage/answer_lines.hpp"
#include "tests/fuzz/fuzz_target.hpp"

/// Reads the input as a stored record of each kind, as it is and with a checksum that fits, and as
/// a line of an import. Damage is never read as an answer; what is read can be written, and is then
/// read as the same.
namespace sluice::fuzz {

namespace {

const std::string key = key_bytes({0x0123456789abcdef, 0xfedcba9876543210});

answer_record together(const found_answer& x) {
  answer_record result;
  result.answer = x.answer;
  result.meta.scope = x.scope;
  result.meta.tenant = x.tenant;
  result.meta.created = x.created;
  result.meta.expires = x.expires;
  return result;
}

violation check(const found_answer& x) {
  auto bytes = encode_content(key, together(x));
  found_answer again;
  if (decode_content(key, bytes, again) != record_state::whole)
    return "an answer that cannot be read once it is written";
  if (encode_content(key, together(again)) != bytes)
    return "an answer that changes when it is written";
  return std::nullopt;
}

violation check_unsealed(record_state state) {
  if (state != record_state::damaged)
    return "bytes without a checksum that are no damage";
  return std::nullopt;
}

void check_line(std::string_view text) {
  auto x = parse_answer_line(text);
  if (!x)
    return;
  auto line = line_of(x->meta, x->answer);
  auto again = parse_answer_line(line);
  if (!again || line_of(again->meta, again->answer) != line)
    expect_none("a line that changes when it is written");
}

void canary() {
  found_answer good;
  good.created = good.expires = sys_seconds{std::chrono::seconds{1}};
  expect_none(check(good));
  auto bad = good;
  bad.expires = sys_seconds{std::chrono::seconds{-1}};
  expect_found(check(bad), "a time that cannot be read");
  expect_found(check_unsealed(record_state::whole), "a record without a checksum");
  expect_found(check_unsealed(record_state::foreign), "a foreign one without a checksum");
}

} // namespace

} // namespace sluice::fuzz

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  sluice::fuzz::canary();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sluice;
  using namespace sluice::fuzz;
  std::string bytes(reinterpret_cast<const char*>(data), size);
  found_answer answer;
  expect_none(check_unsealed(decode_content(key, bytes, answer)));
  for (auto kind : {answer_kind::content, answer_kind::meta, answer_kind::use}) {
    auto record = sealed(kind, key, bytes);
    found_answer found;
    if (decode_content(key, record, found) == record_state::whole)
      expect_none(check(found));
    answer_meta meta;
    (void)decode_meta(key, record, meta);
    answer_use use;
    sys_seconds expires;
    (void)decode_use(key, record, use, expires);
    (void)expiry_of(kind, key, record);
  }
  check_line(bytes);
  return 0;
}
