#include "runtime/base_url.hpp"
#include "runtime/configuration_file.hpp"
#include "tests/fuzz/fuzz_target.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <sys/mman.h>
#include <unistd.h>

/// Reads the input as a configuration file. Whatever is accepted must be safe to start with, and
/// nothing that is said about a file shows what its variables stand for.
namespace sluice::fuzz {

namespace {

constexpr std::string_view secret_text = "s3cr3t-Value-Never-Shown";

/// A file in memory with the input in it.
class memory_file {
public:
  memory_file() : fd_(::memfd_create("sluice.yaml", MFD_CLOEXEC)) {
    if (fd_ < 0)
      std::abort();
  }
  void write(std::string_view text) {
    if (::ftruncate(fd_, 0) != 0 || ::pwrite(fd_, text.data(), text.size(), 0) < 0)
      std::abort();
  }
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

private:
  int fd_;
};

std::optional<std::string> variable(const std::string& name) {
  if (name == "SECRET")
    return std::string{secret_text};
  return std::nullopt;
}

bool shows_secret(std::string_view text) {
  return text.find(secret_text) != std::string_view::npos;
}

violation check_text(const loaded& x) {
  if (shows_secret(to_text(x.mistakes)))
    return "a mistake shows what a variable stands for";
  for (auto& notice : x.config.notices)
    if (shows_secret(notice))
      return "a notice shows what a variable stands for";
  if (nlohmann::json::parse(to_json(x.mistakes), nullptr, false).is_discarded())
    return "the mistakes are no JSON";
  for (auto& mistake : x.mistakes)
    if (mistake.message.empty() || mistake.line < 0)
      return "a mistake that says nothing";
  return std::nullopt;
}

violation check_providers(const configuration& x) {
  for (auto& provider : x.providers) {
    auto same = [&](const provider_settings& y) { return y.name == provider.name; };
    if (provider.name.empty() || std::count_if(x.providers.begin(), x.providers.end(), same) != 1)
      return "a provider without a name of its own";
    if (provider.kind == "simulated")
      continue;
    auto url = parse_base_url(provider.base_url);
    if (!url || is_forbidden_upstream(url->host))
      return "a provider that may not be called";
    if (provider.connections_max == 0 || provider.retry.attempts_max == 0)
      return "a provider that can never be called";
  }
  return std::nullopt;
}

violation check_config(const configuration& x) {
  if (!is_loopback(x.listen.address) && x.keys.empty())
    return "open to others without keys";
  if (x.limits.in_flight_max == 0 || x.limits.connections_max == 0 ||
      x.limits.header_bytes_max == 0 || x.limits.request_timeout.count() <= 0)
    return "a limit that lets no request through";
  for (auto& key : x.keys)
    if (key.sha256.size() != 64 || key.id.empty() || key.tenant.empty())
      return "a key that nobody can have";
  for (auto& model : x.models)
    if (model.name.empty() || model.deployments.empty())
      return "a model that nobody can answer for";
  return check_providers(x);
}

violation check(const loaded& x) {
  if (auto found = check_text(x))
    return found;
  return x.mistakes.empty() ? check_config(x.config) : std::nullopt;
}

void canary() {
  loaded bad;
  bad.config.listen.address = "0.0.0.0";
  expect_found(check(bad), "an open node off loopback");
  bad = {};
  bad.config.limits.in_flight_max = 0;
  expect_found(check(bad), "a node that lets nothing through");
  bad = {};
  bad.mistakes.push_back({"f", 1, "p", "'" + std::string{secret_text} + "' is wrong", ""});
  expect_found(check(bad), "a secret in a mistake");
  bad = {};
  bad.config.providers.resize(1);
  bad.config.providers[0].name = "metadata";
  bad.config.providers[0].base_url = "http://169.254.169.254/v1";
  expect_found(check(bad), "a provider at the metadata address");
}

} // namespace

} // namespace sluice::fuzz

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  sluice::fuzz::canary();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sluice::fuzz;
  static memory_file file;
  std::string_view text{reinterpret_cast<const char*>(data), size};
  if (shows_secret(
          text)) // the fuzzer found out what it is, and what stands in the file may be said
    return 0;
  file.write(text);
  expect_none(check(sluice::load_configuration(file.path(), variable)));
  return 0;
}
