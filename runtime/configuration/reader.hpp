#pragma once

#include "runtime/configuration/scalars.hpp"
#include "runtime/mistake.hpp"

#include <yaml-cpp/yaml.h>

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

/// Reads a YAML document setting by setting and remembers what is wrong with it. Nothing here
/// throws and nothing stops at the first mistake: a setting with a mistake keeps its default.
namespace sluice {

/// What one reading of the configuration shares.
struct reading {
  std::string file; ///< its name in mistakes
  environment env;
  std::vector<mistake> mistakes;
  std::vector<std::string> notices;
  /// What variables stood for, and their names: where a name of something is taken from one, no
  /// message may show it.
  std::map<std::string, std::string> variables{};

  void add(int line, std::string path, std::string message, std::string allowed = {}) {
    mistakes.push_back({file, line, std::move(path), std::move(message), std::move(allowed)});
  }
};

/// Can be copied but not assigned, and with it whatever has it as a member.
struct unassignable {
  unassignable() = default;
  unassignable(const unassignable&) = default;
  unassignable& operator=(const unassignable&) = delete;
};

/// A value in the document and where it stands. Not to be assigned: assigning a node of yaml-cpp
/// changes the document.
struct yaml_value {
  YAML::Node node;
  std::string path; ///< "providers[0].base_url"
  int line = 0;     ///< from 1; 0 where it does not stand in the file
  [[no_unique_address]] unassignable guard{};

  /// Whether the file says something here: `key:` alone does not.
  bool there() const { return node.IsDefined() && !node.IsNull(); }
  bool is_map() const { return node.IsDefined() && node.IsMap(); }
  bool is_scalar() const { return node.IsDefined() && node.IsScalar(); }
};

/// The text of a scalar with its variables put in; empty, and a mistake added, for anything else.
std::optional<std::string> text_of(reading& to, const yaml_value& x);

/// The elements of a list; none, and a mistake added, for anything else.
std::vector<yaml_value> elements_of(reading& to, const yaml_value& x);

/// Adds a mistake about the text at `x`, quoted as it stands in the file: what variables stand for
/// may be secret.
void add_mistake(reading& to, const yaml_value& x, std::string_view message, std::string allowed);

/// Adds a mistake where `name`, which stands at `x`, is none of `known`; `what` says what it names.
void check_known_name(reading& to, const yaml_value& x, const std::string& name,
                      const std::vector<std::string_view>& known, const std::string& what);

/// One mapping of the document. Every setting is read by name; `end` reports the names that nobody
/// asked for.
class map_reader {
public:
  /// Adds mistakes where `at` is no mapping or names a key twice.
  map_reader(reading& to, const yaml_value& at);

  /// The value called `name`, to be read by the caller.
  yaml_value value(const std::string& name);

  /// Whether the file says something about `name`.
  bool has(const std::string& name) { return value(name).there(); }

  template <class T>
  void integer(const std::string& name, T& into, bounds<T> range) {
    read(name, [&](std::string_view text) {
      auto x =
          parse_integer(text, {static_cast<uint64_t>(range.min), static_cast<uint64_t>(range.max)});
      if (x.value)
        into = static_cast<T>(*x.value);
      return problem{x.message, x.allowed};
    });
  }
  template <class Duration>
  void duration(const std::string& name, Duration& into, bounds<Duration> range) {
    read(name, [&](std::string_view text) {
      auto x = parse_duration(text, {range.min, range.max});
      if (x.value)
        into = std::chrono::duration_cast<Duration>(*x.value);
      bool exact = !x.value || into == *x.value;
      return exact ? problem{x.message, x.allowed}
                   : problem{"is finer than this setting can be", "whole milliseconds"};
    });
  }
  template <class T>
  void size(const std::string& name, T& into, bounds<T> range) {
    read(name, [&](std::string_view text) {
      auto x = parse_size(text, {range.min, range.max});
      if (x.value)
        into = static_cast<T>(*x.value);
      return problem{x.message, x.allowed};
    });
  }
  void decimal(const std::string& name, double& into, bounds<double> range);
  void flag(const std::string& name, bool& into);
  void usd(const std::string& name, nanousd& into, bounds<nanousd> range);
  void text(const std::string& name, std::string& into);
  void choice(const std::string& name, std::string& into,
              const std::vector<std::string_view>& allowed);

  /// Adds a mistake about the setting `name`.
  void fail(const std::string& name, std::string message, std::string allowed = {});
  /// Adds a mistake where the file does not say `name`.
  void require(const std::string& name, std::string allowed);

  /// Reports the keys that were not read. Call it last.
  void end();

  reading& context() { return to_; }
  const std::string& path() const { return at_.path; }
  int line() const { return at_.line; }

private:
  struct problem {
    std::string message; ///< empty where there is none
    std::string allowed;
  };

  template <class F>
  void read(const std::string& name, F parse) {
    auto x = value(name);
    if (!x.there())
      return;
    auto text = text_of(to_, x);
    if (!text)
      return;
    problem found = parse(*text);
    if (!found.message.empty())
      add_mistake(to_, x, found.message, found.allowed);
  }

  std::string path_of(const std::string& name) const;

  reading& to_;
  yaml_value at_;
  std::map<std::string, yaml_value> entries_;
  std::set<std::string> read_;
};

} // namespace sluice
