#include "storage/answer_record.hpp"

#include "storage/answer_worth.hpp"
#include "tests/support/answer_fixture.hpp"

#include <limits>

namespace sluice {
namespace {

using test::answer_of;

/// One record of every kind, and whether bytes pass for it.
struct sample {
  answer_kind kind;
  std::string bytes;
  record_state (*decoded)(std::string_view key, std::string_view bytes);
};

const std::string key = key_bytes(answer_of(7).meta.key);

std::vector<sample> samples() {
  auto x = answer_of(7);
  return {{answer_kind::content, encode_content(key, x),
           [](std::string_view k, std::string_view bytes) {
             found_answer to;
             return decode_content(k, bytes, to);
           }},
          {answer_kind::meta, encode_meta(key, x.meta),
           [](std::string_view k, std::string_view bytes) {
             answer_meta to;
             return decode_meta(k, bytes, to);
           }},
          {answer_kind::use, encode_use(key, {2.5, test::answer_day}, test::answer_day),
           [](std::string_view k, std::string_view bytes) {
             answer_use to;
             sys_seconds expires;
             return decode_use(k, bytes, to, expires);
           }},
          {answer_kind::evidence,
           encode_evidence(key, {x.meta.scope, "tenant", test::answer_day, "bytes"}),
           [](std::string_view k, std::string_view bytes) {
             answer_evidence to;
             return decode_evidence(k, bytes, to);
           }}};
}

TEST(answer_record_test, comes_back_as_it_was) {
  auto x = answer_of(7);
  x.answer.content = std::string("\0\xff\n", 3) + x.answer.content;
  x.answer.cost = {std::numeric_limits<int64_t>::min()};
  found_answer content;
  ASSERT_EQ(decode_content(key, encode_content(key, x), content), record_state::whole);
  EXPECT_TRUE(test::same_entry(content, x));
  x.meta.content_bytes = 123;
  answer_meta meta;
  ASSERT_EQ(decode_meta(key, encode_meta(key, x.meta), meta), record_state::whole);
  EXPECT_EQ(meta.key, x.meta.key);
  EXPECT_EQ(meta.question, x.meta.question);
  EXPECT_EQ(meta.encoding, x.meta.encoding);
  EXPECT_EQ(meta.scope, x.meta.scope);
  EXPECT_EQ(meta.content_bytes, 123u);
  answer_use use;
  sys_seconds expires;
  answer_use wanted{1.0 / 3, test::answer_day};
  ASSERT_EQ(decode_use(key, encode_use(key, wanted, x.meta.expires), use, expires),
            record_state::whole);
  EXPECT_EQ(use, wanted);
  EXPECT_EQ(expires, x.meta.expires);
}

TEST(answer_record_test, is_damaged_with_any_bit_turned) {
  for (auto& x : samples())
    for (size_t bit = 0; bit < x.bytes.size() * 8; ++bit) {
      auto bytes = x.bytes;
      bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
      ASSERT_EQ(x.decoded(key, bytes), record_state::damaged) << "bit " << bit;
    }
}

TEST(answer_record_test, is_damaged_at_any_other_length) {
  for (auto& x : samples()) {
    for (size_t size = 0; size < x.bytes.size(); ++size)
      ASSERT_EQ(x.decoded(key, x.bytes.substr(0, size)), record_state::damaged) << size;
    EXPECT_EQ(x.decoded(key, x.bytes + '\0'), record_state::damaged);
  }
}

TEST(answer_record_test, is_damaged_under_another_key_or_as_another_kind) {
  auto all = samples();
  for (auto& x : all)
    for (size_t bit = 0; bit < 128; ++bit) {
      auto other = key;
      other[bit / 8] = static_cast<char>(other[bit / 8] ^ (1 << bit % 8));
      ASSERT_EQ(x.decoded(other, x.bytes), record_state::damaged) << "bit " << bit;
    }
  for (auto& x : all)
    for (auto& y : all)
      EXPECT_EQ(x.decoded(key, y.bytes) == record_state::whole, &x == &y);
}

TEST(answer_record_test, is_foreign_with_another_version) {
  for (auto& x : samples())
    for (int version : {0, 1, 255}) {
      auto fields = x.bytes.substr(0, x.bytes.size() - 16);
      fields.front() = static_cast<char>(version);
      EXPECT_EQ(x.decoded(key, sealed(x.kind, key, fields)), record_state::foreign);
    }
}

TEST(answer_record_test, refuses_sealed_bytes_that_claim_more_than_they_are) {
  using namespace std::literals;
  // Lists of 4 billion elements, lists within lists, texts and maps that go on behind the end.
  for (auto field : {"\xdd\xff\xff\xff\xff"s, std::string(100'000, '\x91'), "\xdb\xff\xff\xff\xff"s,
                     "\xdf\xff\xff\xff\xff"s, "\xc6\xff\xff\xff\xff"s, "\xc1"s, "\xa1z"s})
    for (auto& x : samples())
      EXPECT_EQ(x.decoded(key, sealed(x.kind, key, "\x02" + field)), record_state::damaged);
}

TEST(answer_record_test, refuses_times_and_counts_that_cannot_be_reckoned_with) {
  auto x = answer_of(7);
  answer_use use;
  sys_seconds expires;
  for (auto count :
       {std::numeric_limits<double>::quiet_NaN(), -1.0, std::numeric_limits<double>::infinity()})
    EXPECT_EQ(
        decode_use(key, encode_use(key, {count, test::answer_day}, x.meta.expires), use, expires),
        record_state::damaged);
  for (auto seconds :
       {std::numeric_limits<int64_t>::min(), int64_t{-1}, std::numeric_limits<int64_t>::max()}) {
    x.meta.created = sys_seconds{std::chrono::seconds{seconds}};
    answer_meta meta;
    EXPECT_EQ(decode_meta(key, encode_meta(key, x.meta), meta), record_state::damaged);
  }
}

TEST(answer_record_test, keys_are_in_the_order_of_their_numbers) {
  EXPECT_LT(key_bytes({1, 0xff}), key_bytes({0x100, 0}));
  EXPECT_LT(key_bytes({1, 0xff}), key_bytes({1, 0x100}));
  fingerprint x{0x0123456789abcdef, 0xfedcba9876543210};
  EXPECT_EQ(key_of(key_bytes(x)), x);
}

TEST(answer_worth_test, halves_in_a_day_and_adds_up) {
  answer_use x{4, test::answer_day};
  EXPECT_DOUBLE_EQ(worth(x, test::answer_day), 4);
  EXPECT_DOUBLE_EQ(worth(x, test::answer_day + use_half_life), 2);
  auto more = used(x, 1, test::answer_day + 2 * use_half_life);
  EXPECT_DOUBLE_EQ(more.count, 2);
  EXPECT_EQ(more.last, test::answer_day + 2 * use_half_life);
}

TEST(answer_worth_test, does_not_grow_when_the_clock_goes_backwards) {
  answer_use x{4, test::answer_day};
  EXPECT_DOUBLE_EQ(worth(x, test::answer_day - use_half_life), 4);
  EXPECT_EQ(used(x, 1, test::answer_day - use_half_life).last, test::answer_day);
}

} // namespace
} // namespace sluice
