#include "cluster/listen_option.hpp"

#include "runtime/ec.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(listen_option_test, reads_an_address_and_a_port) {
  struct row {
    const char* text;
    std::optional<std::string> address;
    uint16_t port;
  };
  for (auto& x : {row{"127.0.0.1:8080", "127.0.0.1", 8080}, row{"[::1]:0", "::1", 0},
                  row{":8080", std::nullopt, 8080}, row{"65535", std::nullopt, 65'535},
                  row{"0.0.0.0:1", "0.0.0.0", 1}}) {
    auto result = parse_listen(x.text);
    ASSERT_TRUE(result) << x.text;
    EXPECT_EQ(result->address, x.address) << x.text;
    EXPECT_EQ(result->port, x.port) << x.text;
  }
}

TEST(listen_option_test, refuses_everything_else) {
  for (auto* text : {"", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:65536", "-1",
                     "+1", "127.0.0.1:80 ", "::1:80", "[::1]80", "a:b:80"}) {
    auto result = parse_listen(text);
    ASSERT_FALSE(result) << text;
    EXPECT_EQ(code_of(result.error()), ec::bad_argument);
    EXPECT_NE(message_of(result.error()).find(std::string{"'"} + text + "'"), std::string::npos);
  }
}

} // namespace
} // namespace sluice
