#include "storage/ledger_records.hpp"

#include "runtime/ec.hpp"
#include "tests/support/sample_ledger.hpp"

#include <gmock/gmock.h>

namespace sluice {
namespace {

using test::charge_of;
using test::row_of;
using testing::HasSubstr;

ledger_day sample_day() {
  return {std::chrono::sys_days{std::chrono::year{2026} / 11 / 23},
          12,
          {345},
          true,
          67,
          std::string(chain_bytes, 'x')};
}

ledger_state sample_state() {
  return {0xfedcba9876543210,
          3,
          400,
          50,
          std::string(chain_bytes, 'y'),
          test::ledger_begin + std::chrono::nanoseconds{1}};
}

TEST(ledger_records_test, reads_a_charge_as_it_was_written) {
  auto x = charge_of({UINT64_MAX, 2, 3}, test::ledger_begin + std::chrono::nanoseconds{1});
  x.accounts = {0, 1, 256, UINT32_MAX};
  x.most = {INT64_MAX};
  EXPECT_EQ(*decode_charge(encode_charge(x)), x);
  EXPECT_EQ(*decode_charge(encode_charge({})), open_charge{});
}

TEST(ledger_records_test, reads_a_row_as_it_was_written) {
  for (uint64_t number = 1; number < 20; ++number) {
    auto x = row_of(charge_of({1, 2, number}));
    EXPECT_EQ(*decode_row(encode_row(x)), x);
  }
  EXPECT_EQ(*decode_row(encode_row({})), ledger_row{});
}

TEST(ledger_records_test, reads_a_stored_row_as_it_was_written) {
  auto row = row_of(charge_of({1, 2, 3}));
  auto bytes = encode_row(row);
  std::string chain(chain_bytes, '\xff');
  auto found = decode_stored_row(9, encode_stored_row(chain, bytes));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->number, 9u);
  EXPECT_EQ(found->chain, chain);
  EXPECT_EQ(found->row, row);
  EXPECT_EQ(found->bytes, bytes);
  EXPECT_FALSE(decode_stored_row(9, chain));
}

TEST(ledger_records_test, reads_an_account_as_it_was_written) {
  auto x = test::account_of(7);
  x.spent = {-1};
  x.overrun = {5};
  x.charges = 8;
  EXPECT_EQ(*decode_account(encode_account(x)), x);
  x.limit = std::nullopt;
  EXPECT_EQ(*decode_account(encode_account(x)), x);
  EXPECT_EQ(*decode_account(encode_account({})), ledger_account{});
}

TEST(ledger_records_test, reads_a_day_as_it_was_written) {
  EXPECT_EQ(*decode_day(encode_day(sample_day())), sample_day());
  ledger_day early;
  early.day = std::chrono::sys_days{std::chrono::year{1969} / 12 / 31};
  EXPECT_EQ(*decode_day(encode_day(early)), early);
}

TEST(ledger_records_test, reads_the_state_as_it_was_written) {
  EXPECT_EQ(*decode_state(encode_state(sample_state())), sample_state());
}

TEST(ledger_records_test, refuses_another_version) {
  auto refused = [](auto decode, std::string bytes) {
    bytes.front() = 2;
    auto x = decode(bytes);
    ASSERT_FALSE(x);
    EXPECT_THAT(message_of(x.error()), HasSubstr("version 2"));
  };
  refused(decode_charge, encode_charge({}));
  refused(decode_row, encode_row({}));
  refused(decode_account, encode_account({}));
  refused(decode_day, encode_day({}));
  refused(decode_state, encode_state(sample_state()));
}

TEST(ledger_records_test, refuses_values_that_do_not_exist) {
  auto account = test::account_of(1);
  account.scope = static_cast<budget_scope>(4);
  EXPECT_FALSE(decode_account(encode_account(account)));
  account = test::account_of(1);
  account.action = static_cast<budget_action>(3);
  EXPECT_FALSE(decode_account(encode_account(account)));
  account = test::account_of(1);
  account.period = static_cast<period_kind>(3);
  EXPECT_FALSE(decode_account(encode_account(account)));
  auto state = sample_state();
  state.chain = "short";
  EXPECT_FALSE(decode_state(encode_state(state)));
  auto day = sample_day();
  day.chain = "short";
  EXPECT_FALSE(decode_day(encode_day(day)));
}

TEST(ledger_records_test, survives_any_damage) {
  auto survive = [](auto decode, const std::string& sound) {
    for (size_t i = 0; i < sound.size(); ++i) {
      decode(sound.substr(0, i));
      for (int bit = 0; bit < 8; ++bit) {
        auto bytes = sound;
        bytes[i] = static_cast<char>(bytes[i] ^ (1 << bit));
        decode(bytes);
      }
    }
  };
  survive(decode_row, encode_row(row_of(charge_of({1, 2, 3}))));
  survive(decode_account, encode_account(test::account_of(1)));
  survive(decode_day, encode_day(sample_day()));
  survive(decode_state, encode_state(sample_state()));
}

TEST(ledger_records_test, keys_stand_in_the_order_of_what_they_name) {
  EXPECT_LT(key_of(uint64_t{255}), key_of(uint64_t{256}));
  EXPECT_LT(key_of(charge_id{1, 255, 9}), key_of(charge_id{1, 256, 1}));
  auto first = std::chrono::sys_days{};
  EXPECT_LT(key_of(first - std::chrono::days{1}), key_of(first));
  EXPECT_LT(key_of(first), key_of(first + std::chrono::days{256}));
}

TEST(ledger_records_test, the_chain_is_sha256_of_what_came_before_and_the_row) {
  // printf of 32 zero bytes and "abc", through sha256sum
  auto chain = chain_next(chain_begin(), "abc");
  ASSERT_TRUE(chain);
  std::string hex;
  for (auto c : *chain) {
    char two[3];
    std::snprintf(two, sizeof two, "%02x", static_cast<unsigned char>(c));
    hex += two;
  }
  EXPECT_EQ(hex, "365aa7d8f7f9402c4b9434502b4cc89ddb09fe50d7cd95b493b834c62d5a5370");
  EXPECT_NE(*chain, *chain_next(*chain, "abc"));
}

} // namespace
} // namespace sluice
