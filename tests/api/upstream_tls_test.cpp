#include "tests/api/upstream_fixture.hpp"
#include "tests/support/test_certificate.hpp"

#include <filesystem>
#include <fstream>

namespace sluice {
namespace {

using namespace test;
using namespace std::chrono_literals;

class upstream_tls_test : public upstream_fixture {
protected:
  ~upstream_tls_test() override { std::filesystem::remove_all(folder); }

  /// The provider shows a certificate for `host` that `issuer` signed.
  void show(const std::string& host, const test_certificate& issuer) {
    auto shown = test_certificate::host(host, issuer);
    context.use_certificate(asio::buffer(shown.certificate_pem()), asio::ssl::context::pem);
    context.use_private_key(asio::buffer(shown.key_pem()), asio::ssl::context::pem);
    tls = &context;
    settings.base_url = "https://localhost:" + std::to_string(provider_port()) + "/v1";
    settings.ca_file = write(authority.certificate_pem());
  }

  std::string write(const std::string& text) {
    auto path = folder / "ca.pem";
    std::ofstream{path} << text;
    return path.string();
  }

  /// How a call fails before a byte of it was sent.
  std::string refusal() {
    use();
    auto& x = start();
    EXPECT_EQ(failure_code(x), ec::upstream_unreachable);
    EXPECT_FALSE(x.failed && x.failed->why.sent);
    for (auto& peer : peers)
      EXPECT_EQ(peer->in, "") << "neither key nor prompt may be sent";
    return x.failed ? x.failed->why.message : "";
  }

  std::filesystem::path folder = [] {
    auto pattern = (std::filesystem::temp_directory_path() / "sluice-test-XXXXXX").string();
    return std::filesystem::path{mkdtemp(pattern.data())};
  }();
  asio::ssl::context context{asio::ssl::context::tls_server};
  test_certificate authority = test_certificate::authority("test authority");
};

TEST_F(upstream_tls_test, talks_to_a_host_whose_authority_is_known) {
  show("localhost", authority);
  use();
  auto& x = start();
  request().write(whole("{}"));
  wait_over(x);
  EXPECT_TRUE(x.reply);
  auto& streamed = start(reply_mode::stream);
  request(0, 2).write(stream_head() + chunk(content(std::string(40'000, 'x')) + done) + last_chunk);
  wait_over(streamed);
  ASSERT_TRUE(streamed.end);
  EXPECT_EQ(streamed.end->why.code, ec::none);
  EXPECT_EQ(streamed.events, content(std::string(40'000, 'x')));
  EXPECT_EQ(peers.size(), 1U);
}

TEST_F(upstream_tls_test, refuses_another_hosts_certificate) {
  show("example.com", authority);
  EXPECT_NE(refusal().find("TLS"), std::string::npos);
}

TEST_F(upstream_tls_test, refuses_an_unknown_authority) {
  show("localhost", test_certificate::authority("somebody"));
  EXPECT_NE(refusal().find("TLS"), std::string::npos);
}

TEST_F(upstream_tls_test, refuses_the_tests_authority_where_none_is_named) {
  show("localhost", authority);
  settings.ca_file.clear();
  EXPECT_NE(refusal().find("TLS"), std::string::npos);
}

TEST_F(upstream_tls_test, refuses_a_certificate_for_a_name_that_only_begins_alike) {
  show("localhost.example.com", authority);
  refusal();
}

TEST_F(upstream_tls_test, waits_for_the_handshake_only_so_long) {
  show("localhost", authority);
  tls = nullptr; // the provider accepts and says nothing
  settings.timeouts.connect = 30ms;
  use();
  auto& x = start();
  EXPECT_EQ(failure_code(x), ec::upstream_unreachable);
  EXPECT_FALSE(x.failed->why.sent);
  wait([&] { return !peers.empty() && peers[0]->gone; });
}

TEST_F(upstream_tls_test, a_provider_that_closes_without_a_farewell_has_cut_its_answer) {
  show("localhost", authority);
  use();
  auto& x = start();
  auto& peer = request();
  peer.write("HTTP/1.1 200 OK\r\n\r\n{\"half\":");
  wait([&] { return peer.written == peer.to_write; });
  peer.close();
  EXPECT_EQ(failure_code(x), ec::upstream_bad_response);
}

TEST_F(upstream_tls_test, names_the_file_of_authorities_that_cannot_be_read) {
  settings.base_url = "https://localhost/v1";
  for (auto& file : {std::string{"/nowhere/ca.pem"}, write("nonsense")}) {
    settings.ca_file = file;
    auto target = make_provider_target(settings, limits);
    ASSERT_FALSE(target);
    EXPECT_EQ(code_of(target.error()), ec::io_failed);
    EXPECT_NE(message_of(target.error()).find(file), std::string::npos);
    EXPECT_NE(message_of(target.error()).find("'provider'"), std::string::npos);
  }
}

TEST(make_provider_target_test, refuses_a_url_that_is_none) {
  provider_settings settings;
  for (auto* url : {"", "ftp://x/v1", "http://", "http://user:pass@x/v1"}) {
    settings.base_url = url;
    auto target = make_provider_target(settings, {});
    ASSERT_FALSE(target) << url;
    EXPECT_EQ(code_of(target.error()), ec::bad_configuration) << url;
  }
}

} // namespace
} // namespace sluice
