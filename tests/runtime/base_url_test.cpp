#include "runtime/base_url.hpp"

#include "runtime/ec.hpp"

#include <gtest/gtest.h>

using namespace sluice;

TEST(base_url_test, reads_and_normalises) {
  auto x = parse_base_url("https://API.OpenAI.com/v1/");
  ASSERT_TRUE(x);
  EXPECT_TRUE(x->tls);
  EXPECT_EQ(x->host, "api.openai.com");
  EXPECT_EQ(x->port, 443);
  EXPECT_EQ(x->path, "/v1");
  EXPECT_EQ(x->text(), "https://api.openai.com/v1");
}

TEST(base_url_test, reads_ports_and_addresses) {
  auto x = parse_base_url("http://[::1]:8000");
  ASSERT_TRUE(x);
  EXPECT_FALSE(x->tls);
  EXPECT_EQ(x->host, "::1");
  EXPECT_EQ(x->port, 8000);
  EXPECT_EQ(x->path, "");
  EXPECT_EQ(x->text(), "http://[::1]:8000");
  EXPECT_EQ(parse_base_url("http://10.0.0.1/a/b")->text(), "http://10.0.0.1/a/b");
  EXPECT_EQ(parse_base_url("http://vllm_1:80/")->text(), "http://vllm_1");
}

TEST(base_url_test, refuses_what_is_no_base_url) {
  for (auto text : {"",
                    "api.openai.com",
                    "ftp://a",
                    "file:///etc/passwd",
                    "https://",
                    "https:///v1",
                    "https://user:password@host/v1",
                    "https://user@host",
                    "https://host:0",
                    "https://host:",
                    "https://host:65536",
                    "https://host:http",
                    "https://host?x=1",
                    "https://host/#x",
                    "https://ho st",
                    "https://host/\n",
                    "https://h\\x",
                    "https://[::1",
                    "https://[1.2.3.4]",
                    "https://[::1]x",
                    "https://-x",
                    "https://a..b",
                    "https://\xc3\xa4.de",
                    "https://a:1:2"}) {
    auto x = parse_base_url(text);
    ASSERT_FALSE(x) << text;
    EXPECT_EQ(code_of(x.error()), ec::bad_configuration);
    EXPECT_NE(message_of(x.error()), properties(ec::bad_configuration).sentence) << text;
  }
}

TEST(base_url_test, refuses_addresses_in_disguise) {
  // Resolvers take each of these for an address; `inet_pton` does not.
  for (auto host : {"2852039166", "0xA9FEA9FE", "0xa9.0xfe.0xa9.0xfe", "0251.0376.0251.0376",
                    "169.254.43518", "127.1", "0", "1.2.3.4."})
    EXPECT_FALSE(parse_base_url("https://" + std::string{host})) << host;
}

TEST(base_url_test, knows_loopback) {
  for (auto host :
       {"localhost", "127.0.0.1", "127.255.255.254", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1"})
    EXPECT_TRUE(is_loopback(host)) << host;
  for (auto host : {"", "0.0.0.0", "::", "128.0.0.1", "10.0.0.1", "localhost.example.com",
                    "127.0.0.1.example.com", "::2", "::ffff:10.0.0.1"})
    EXPECT_FALSE(is_loopback(host)) << host;
}

TEST(base_url_test, forbids_metadata_link_local_and_unspecified_addresses) {
  for (auto host :
       {"169.254.169.254", "169.254.0.1", "fe80::1", "febf::1", "fd00:ec2::254", "100.100.100.200",
        "192.0.0.192", "0.0.0.0", "::", "::ffff:169.254.169.254", "::ffff:a9fe:a9fe",
        "metadata.google.internal", "metadata.google.internal.", "metadata"})
    EXPECT_TRUE(is_forbidden_upstream(host)) << host;
  for (auto host : {"api.openai.com", "10.0.0.1", "192.168.1.1", "127.0.0.1", "::1", "fd00::1",
                    "2001:db8::1", "169.255.0.1", "fec0::1"})
    EXPECT_FALSE(is_forbidden_upstream(host)) << host;
}
