#include "runtime/configuration_file.hpp"

#include "runtime/base_url.hpp"
#include "runtime/configuration/model_facts.hpp"
#include "runtime/configuration/sections.hpp"

#include <yaml-cpp/eventhandler.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace sluice {

using namespace std::chrono_literals;

namespace {

// Ten thousand keys take 2 MiB; what is larger is not a configuration.
constexpr size_t file_bytes_max = 4 * 1024 * 1024;

/// The whole file; a mistake where it cannot be read.
std::optional<std::string> read_text(reading& to) {
  errno = 0;
  std::ifstream in{to.file, std::ios::binary};
  std::string text(file_bytes_max + 1, '\0');
  // A folder can be opened, but not read.
  bool opened = in.good();
  if (opened)
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!opened || in.bad()) {
    to.add(0, "", std::string{"cannot be read: "} + std::strerror(errno ? errno : EIO));
    return std::nullopt;
  }
  text.resize(static_cast<size_t>(in.gcount()));
  if (text.size() > file_bytes_max) {
    to.add(0, "", "is too large to be a configuration", "up to " + to_size_string(file_bytes_max));
    return std::nullopt;
  }
  return text;
}

/// Notes where a document begins, and nothing else.
class document_finder : public YAML::EventHandler {
public:
  std::optional<int> line; ///< from 1

  void OnDocumentStart(const YAML::Mark& mark) override { line = mark.line + 1; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

/// Where a second document begins. Not with YAML::LoadAll: in yaml-cpp 0.7 it makes empty documents
/// without end of a text that goes on behind the first in an unexpected way.
std::optional<int> second_document(const std::string& text) {
  std::istringstream stream{text};
  YAML::Parser parser{stream};
  document_finder first;
  document_finder second;
  if (parser.HandleNextDocument(first))
    parser.HandleNextDocument(second);
  return second.line;
}

/// The document in `text`, nothing where it is empty. The one place where YAML's exceptions end.
std::optional<YAML::Node> parse_yaml(reading& to, const std::string& text) {
  try {
    if (auto line = second_document(text)) {
      to.add(*line, "", "begins a second document", "one document");
      return std::nullopt;
    }
    return YAML::Load(text);
  } catch (const YAML::Exception& x) {
    to.add(x.mark.line + 1, "", "is not valid YAML: " + x.msg);
  } catch (const std::exception& x) {
    to.add(0, "", std::string{"is not valid YAML: "} + x.what());
  }
  return std::nullopt;
}

std::optional<YAML::Node> read_root(reading& to, bool file_given) {
  if (!file_given)
    return YAML::Node{};
  auto text = read_text(to);
  return text ? parse_yaml(to, *text) : std::nullopt;
}

void apply(reading& to, const listen_override& over, listen_settings& into) {
  if (over.port)
    into.port = *over.port;
  if (!over.address)
    return;
  into.address = *over.address == "localhost" ? "127.0.0.1" : *over.address;
  if (!is_ip_address(into.address))
    to.mistakes.push_back({"command line", 0, "listen.address",
                           "'" + into.address + "' is not an IP address",
                           "127.0.0.1, ::1, 0.0.0.0 for all, or another address of this machine"});
}

/// Without keys the gateway hands the operator's money to whoever reaches it.
void check_open_access(reading& to, int address_line, const listen_override& over,
                       const configuration& config) {
  if (!config.keys.empty())
    return;
  if (is_loopback(config.listen.address)) {
    to.notices.push_back("open access: no keys are configured, so every program on this machine "
                         "may ask, at the price of the providers configured here");
    return;
  }
  auto message = "listens on " + config.listen.address +
                 ", where others can reach it, but no keys are configured";
  auto allowed = "an entry under keys, or listen.address: 127.0.0.1";
  if (over.address)
    to.mistakes.push_back({"command line", 0, "listen.address", message, allowed});
  else
    to.add(address_line, "listen.address", message, allowed);
}

/// One notice for all models whose long prompts cost more than is charged.
void note_long_prompts(reading& to, const configuration& config) {
  std::string names;
  for (auto& x : config.models)
    for (auto& y : x.deployments)
      for (auto& provider : config.providers) {
        auto facts = provider.name == y.provider && y.price && y.price->version != "file"
                         ? find_facts(provider, y.upstream_model)
                         : std::nullopt;
        if (facts && facts->long_from > 0)
          names +=
              (names.empty() ? "" : ", ") + y.id + " (" + std::to_string(facts->long_from) + ")";
      }
  if (!names.empty())
    to.notices.push_back("long prompts are charged at the price of short ones; the provider takes "
                         "more above so many tokens: " +
                         names);
}

void note_simulation(reading& to, const configuration& config) {
  for (auto& x : config.providers)
    if (x.kind == "simulated")
      to.notices.push_back("simulated upstream: what the provider '" + x.name +
                           "' answers is made up, and nobody is paid for it");
}

void read_all_models(map_reader& map, configuration& into) {
  auto mistakes = map.context().mistakes.size();
  into.models = map.has("models") ? read_models(map.context(), map.value("models"), into.providers)
                                  : builtin_models(into.providers);
  // Where something is wrong with a model or a provider, that is the reason.
  if (into.models.empty() && mistakes == map.context().mistakes.size())
    map.fail("models", "no model can be asked", "the models of your providers, with their prices");
}

/// What the file says, or the defaults where there is none.
void read_document(reading& to, const YAML::Node& root, bool file_given,
                   const listen_override& over, configuration& into) {
  map_reader map{to, {root, "", 1}};
  int address_line = read_listen(to, map.value("listen"), into.listen);
  apply(to, over, into.listen);
  read_limits(to, map.value("limits"), into.limits);
  map.integer<uint32_t>("io_threads", into.io_threads, {0, 256});
  map.duration<std::chrono::milliseconds>("shutdown_grace", into.shutdown_grace, {0ms, 1h});
  // A file that lists its providers says all of them: a key that happens to be in the environment
  // must not open another account.
  bool listed = map.has("providers");
  into.providers = listed ? read_providers(to, map.value("providers")) : environment_providers(to);
  if (!file_given || (!listed && into.providers.empty()))
    into.providers.push_back(simulated_provider());
  read_all_models(map, into);
  into.keys = read_keys(to, map.value("keys"), into.models);
  read_simulation(to, map.value("simulation"), into.simulation);
  read_storage(to, map.value("storage"), into.storage);
  read_jobs(to, map.value("jobs"), into.jobs);
  read_log(to, map.value("log"), into.log);
  read_optimizer(to, map.value("optimizer"), into.optimizer);
  into.budgets = read_budgets(to, map.value("budgets"), into);
  read_merging(to, map.value("merging"), into.merging);
  read_cache(to, map.value("cache"), into.models, into.cache);
  check_cache_policies(to, map.value("cache"), into);
  read_environment(to, into.optimizer);
  map.end();
  check_open_access(to, address_line, over, into);
}

/// By line; what has none comes first, for it is about the file as a whole.
void sort_by_line(std::vector<mistake>& mistakes, const std::string& file) {
  std::stable_sort(mistakes.begin(), mistakes.end(), [&](const mistake& a, const mistake& b) {
    bool first = a.file == file;
    bool second = b.file == file;
    return first != second ? first : a.line < b.line;
  });
}

/// Shorter ones are no secrets, and stand in many words by chance.
constexpr size_t hidden_length_min = 8;

/// Puts the names of variables where their values stand.
void hide_values(std::string& text, const std::map<std::string, std::string>& variables) {
  for (auto& [value, name] : variables) {
    if (value.size() < hidden_length_min)
      continue;
    auto reference = "${" + name + "}";
    for (auto at = text.find(value); at != std::string::npos;
         at = text.find(value, at + reference.size()))
      text.replace(at, value.size(), reference);
  }
}

} // namespace

loaded load_configuration(const std::optional<std::string>& file, const environment& env,
                          const listen_override& over) {
  loaded result;
  reading to{file.value_or("no file"), env, {}, {}};
  if (!file)
    to.notices.push_back("no configuration file: everything is at its default");
  // Nothing of a file that cannot be read is known; complaints about the rest would be noise.
  if (auto root = read_root(to, file.has_value())) {
    read_document(to, *root, file.has_value(), over, result.config);
    note_simulation(to, result.config);
    note_long_prompts(to, result.config);
  }
  for (auto& x : to.notices)
    hide_values(x, to.variables);
  for (auto& x : to.mistakes) {
    hide_values(x.message, to.variables);
    hide_values(x.allowed, to.variables);
  }
  sort_by_line(to.mistakes, to.file);
  result.config.notices = std::move(to.notices);
  result.mistakes = std::move(to.mistakes);
  return result;
}

} // namespace sluice
