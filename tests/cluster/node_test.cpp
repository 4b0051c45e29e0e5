#include "cluster/node.hpp"

#include "runtime/configuration_file.hpp"
#include "runtime/ec.hpp"
#include "tests/support/temporary_folder.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <string>

namespace sluice {
namespace {

using namespace std::chrono_literals;

/// A client that waits for its answers, at most so long: a node runs on threads of its own.
class blocking_client {
public:
  explicit blocking_client(const node& to) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    timeval most{20, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
    sockaddr_in where{};
    where.sin_family = AF_INET;
    auto& address = to.address();
    where.sin_port =
        htons(static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected = ::connect(fd_, reinterpret_cast<sockaddr*>(&where), sizeof where) == 0;
  }
  ~blocking_client() { ::close(fd_); }
  blocking_client(const blocking_client&) = delete;
  blocking_client& operator=(const blocking_client&) = delete;

  void get(const std::string& path) { send("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n"); }
  void chat(const std::string& more) {
    auto body =
        R"({"model":"sim-simple","messages":[{"role":"user","content":"Hello"}])" + more + "}";
    send("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body);
  }

  /// Reads until `text` has come; false where the connection ends before.
  bool until(const std::string& text) {
    while (in.find(text) == std::string::npos)
      if (!receive())
        return false;
    return true;
  }
  void until_closed() {
    while (receive()) {
    }
  }

  bool connected = false;
  std::string in;

private:
  void send(const std::string& text) {
    EXPECT_EQ(::send(fd_, text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  bool receive() {
    char part[4'096];
    auto got = ::recv(fd_, part, sizeof part, 0);
    EXPECT_TRUE(got >= 0 || errno == ECONNRESET) << "no answer in time";
    if (got > 0)
      in.append(part, static_cast<size_t>(got));
    return got > 0;
  }

  int fd_;
};

/// What a node has without a file, on any free port and quiet.
std::shared_ptr<configuration> defaults() {
  listen_override any_port;
  any_port.port = 0;
  auto nothing = [](const std::string&) -> std::optional<std::string> { return std::nullopt; };
  auto loaded = load_configuration(std::nullopt, nothing, any_port);
  EXPECT_TRUE(loaded.mistakes.empty());
  auto result = std::make_shared<configuration>(std::move(loaded.config));
  result->log.level = "off";
  result->storage.path.clear(); // tests run side by side, and in any folder
  return result;
}

std::unique_ptr<node> started(std::shared_ptr<const configuration> settings) {
  auto result = node::start(std::move(settings));
  if (!result)
    throw std::runtime_error(message_of(result.error()));
  return std::move(*result);
}

// That `started` nodes can be destroyed shows that all their actors have ended: the actor system's
// destructor waits for the last one.

TEST(node_test, answers_with_its_defaults) {
  auto node = started(defaults());
  EXPECT_TRUE(node->address().starts_with("http://127.0.0.1:"));
  blocking_client client{*node};
  client.get("/readyz");
  EXPECT_TRUE(client.until(R"({"status":"ready"})"));
  client.chat("");
  EXPECT_TRUE(client.until(R"("object":"chat.completion")"));
  EXPECT_NE(client.in.find("x-sluice-simulated: true"), std::string::npos);
  client.chat(R"(,"stream":true)");
  EXPECT_TRUE(client.until("data: [DONE]\n\n\r\n0\r\n\r\n"));
  client.get("/metrics");
  EXPECT_TRUE(client.until("sluice_requests_total"));
  node->stop(20s);
  blocking_client late{*node};
  EXPECT_FALSE(late.connected);
}

TEST(node_test, shares_connections_among_its_loops) {
  auto settings = defaults();
  settings->io_threads = 3;
  auto node = started(settings);
  std::vector<std::unique_ptr<blocking_client>> clients;
  for (int i = 0; i < 9; ++i) {
    clients.push_back(std::make_unique<blocking_client>(*node));
    clients.back()->chat("");
  }
  for (auto& client : clients)
    EXPECT_TRUE(client->until(R"("object":"chat.completion")"));
}

TEST(node_test, ends_without_having_been_asked_anything) {
  started(defaults());
  auto node = started(defaults());
  node->stop(0ms);
}

TEST(node_test, a_stop_lets_a_stream_end) {
  auto settings = defaults();
  settings->simulation.per_output_token = 5ms;
  auto node = started(settings);
  blocking_client client{*node};
  blocking_client idle{*node};
  client.chat(R"(,"stream":true,"max_tokens":40)");
  ASSERT_TRUE(client.until("\"content\":"));
  node->stop(20s);
  client.until_closed();
  EXPECT_TRUE(client.in.ends_with("data: [DONE]\n\n\r\n0\r\n\r\n")) << client.in;
  idle.until_closed();
  EXPECT_EQ(idle.in, "");
}

TEST(node_test, a_stop_ends_with_its_grace) {
  auto settings = defaults();
  settings->simulation.per_output_token = 1h;
  auto node = started(settings);
  blocking_client streaming{*node};
  blocking_client waiting{*node};
  streaming.chat(R"(,"stream":true)");
  waiting.chat("");
  blocking_client begun{*node};
  begun.get("/healthz HTTP/1.1\r\nHost: x\r\n\r\nPOST "); // and the head of a second one
  EXPECT_TRUE(begun.until("ok"));
  node->stop(10ms);
  for (auto* client : {&streaming, &waiting, &begun}) {
    client->until_closed();
    EXPECT_EQ(client->in.find("[DONE]"), std::string::npos);
  }
}

TEST(node_test, is_stopped_by_its_destructor) {
  auto settings = defaults();
  settings->simulation.per_output_token = 1h;
  auto node = started(settings);
  blocking_client client{*node};
  client.chat("");
  node.reset();
  client.until_closed();
}

TEST(node_test, lives_on_after_clients_that_left) {
  auto settings = defaults();
  settings->simulation.per_output_token = 1ms;
  auto node = started(settings);
  for (int i = 0; i < 40; ++i) {
    blocking_client client{*node};
    client.chat(i % 2 == 0 ? R"(,"stream":true,"max_tokens":30)" : R"(,"max_tokens":30)");
    if (i % 4 == 0) {
      EXPECT_TRUE(client.until("\"content\":"));
    }
  }
  blocking_client client{*node};
  client.chat(R"(,"max_tokens":5)");
  EXPECT_TRUE(client.until(R"("object":"chat.completion")"));
}

TEST(node_test, says_that_the_port_is_in_use) {
  auto first = started(defaults());
  auto settings = defaults();
  auto& address = first->address();
  settings->listen.port = static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
  auto second = node::start(settings);
  ASSERT_FALSE(second);
  EXPECT_EQ(code_of(second.error()), ec::address_in_use);
  EXPECT_NE(message_of(second.error()).find(address.substr(7)), std::string::npos);
  {
    blocking_client client{*first};
    client.get("/healthz");
    EXPECT_TRUE(client.until("ok"));
  }
  first->stop(20s);
  EXPECT_EQ(started(settings)->address(), address) << "free again at once";
}

TEST(node_test, keeps_its_files_in_the_data_folder) {
  test::temporary_folder folder;
  auto settings = defaults();
  settings->storage.path = (folder.path() / "data").string();
  {
    auto node = started(settings);
    auto second = node::start(settings);
    ASSERT_FALSE(second);
    EXPECT_EQ(code_of(second.error()), ec::storage_failed);
    blocking_client client{*node};
    client.get("/v1/batches");
    EXPECT_TRUE(client.until(R"("has_more":false)"));
    node->stop(20s);
  }
  started(settings);
}

TEST(node_test, has_no_files_without_a_data_folder) {
  auto node = started(defaults());
  blocking_client client{*node};
  client.get("/v1/files");
  EXPECT_TRUE(client.until("storage.path"));
  EXPECT_TRUE(client.in.starts_with("HTTP/1.1 404"));
}

TEST(node_test, says_what_else_it_cannot_use) {
  auto settings = defaults();
  settings->log.file = "/nowhere/sluice.log";
  auto no_log = node::start(settings);
  ASSERT_FALSE(no_log);
  EXPECT_EQ(code_of(no_log.error()), ec::io_failed);
  EXPECT_NE(message_of(no_log.error()).find("/nowhere/sluice.log"), std::string::npos);
  settings = defaults();
  settings->providers.front().kind = "openai";
  settings->providers.front().base_url = "https://localhost/v1";
  settings->providers.front().ca_file = "/nowhere/ca.pem";
  auto no_authority = node::start(settings);
  ASSERT_FALSE(no_authority);
  EXPECT_NE(message_of(no_authority.error()).find("/nowhere/ca.pem"), std::string::npos);
}

TEST(address_text_test, puts_brackets_around_ipv6) {
  EXPECT_EQ(address_text("127.0.0.1", 80), "http://127.0.0.1:80");
  EXPECT_EQ(address_text("::1", 8'080), "http://[::1]:8080");
}

} // namespace
} // namespace sluice
