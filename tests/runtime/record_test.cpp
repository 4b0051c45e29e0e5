#include "runtime/record.hpp"

#include "runtime/store_key.hpp"

#include <caf/all.hpp>
#include <gmock/gmock.h>

using namespace sluice;
using testing::HasSubstr;

TEST(record_test, gives_back_what_was_written) {
  record_writer to{1};
  to(std::string("\0text", 5));
  to(uint64_t{1} << 63);
  to(int64_t{-5});
  to(uint32_t{7});
  to(std::vector<std::string>{"a", ""});
  to(ec::overloaded);
  auto bytes = to.take();
  record_reader from{bytes, 1};
  std::string text;
  uint64_t large = 0;
  int64_t negative = 0;
  uint32_t small = 0;
  std::vector<std::string> texts;
  ec code{};
  from(text);
  from(large);
  from(negative);
  from(small);
  from(texts);
  from(code);
  EXPECT_FALSE(from.error());
  EXPECT_EQ(text, std::string("\0text", 5));
  EXPECT_EQ(large, uint64_t{1} << 63);
  EXPECT_EQ(negative, -5);
  EXPECT_EQ(small, 7u);
  EXPECT_EQ(texts, (std::vector<std::string>{"a", ""}));
  EXPECT_EQ(code, ec::overloaded);
}

TEST(record_test, leaves_what_an_older_writer_did_not_know_at_its_default) {
  record_writer to{1};
  to(uint64_t{1});
  auto bytes = to.take();
  record_reader from{bytes, 1};
  uint64_t known = 0;
  std::string unknown = "default";
  from(known);
  from(unknown);
  EXPECT_FALSE(from.error());
  EXPECT_EQ(unknown, "default");
}

TEST(record_test, refuses_a_version_that_it_does_not_know) {
  auto bytes = record_writer{9}.take();
  record_reader from{bytes, 1};
  EXPECT_EQ(code_of(from.error()), ec::storage_failed);
  EXPECT_THAT(message_of(from.error()), HasSubstr("version 9"));
}

TEST(record_test, refuses_what_is_damaged) {
  record_writer to{1};
  to(std::string(100, 'x'));
  auto bytes = to.take();
  for (size_t size : {size_t{0}, size_t{50}}) {
    auto cut = bytes.substr(0, size);
    record_reader from{cut, 1};
    std::string text;
    from(text);
    EXPECT_EQ(code_of(from.error()), ec::storage_failed);
  }
  record_reader other{bytes, 1};
  uint64_t number = 0;
  other(number);
  EXPECT_TRUE(other.error()) << "a text is no number";
}

TEST(store_key_test, keeps_numbers_in_order_and_texts_apart) {
  EXPECT_LT(store_key{"x"}.number(255).str(), store_key{"x"}.number(256).str());
  EXPECT_LT(store_key{"x"}.number(1).str(), store_key{"x"}.number(0x80000000).str());
  EXPECT_FALSE(store_key{"x"}.text("ab").str().starts_with(store_key{"x"}.text("a").str()));
  EXPECT_EQ(number_at_end(store_key{"x"}.id("abc").number(77).str()), 77u);
}
