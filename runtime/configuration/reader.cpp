#include "runtime/configuration/reader.hpp"

#include "runtime/nearest_name.hpp"

#include <algorithm>

namespace sluice {

namespace {

/// Longer texts are cut where they are quoted in a mistake.
constexpr size_t quoted_max = 60;

int line_of(const YAML::Node& node) {
  return node.IsDefined() ? node.Mark().line + 1 : 0;
}

std::string quoted(const std::string& text) {
  return text.size() <= quoted_max ? "'" + text + "'" : "'" + text.substr(0, quoted_max) + "…'";
}

std::string join(const std::vector<std::string_view>& words) {
  std::string result;
  for (auto x : words)
    result.append(result.empty() ? "" : ", ").append(x);
  return result;
}

} // namespace

std::optional<std::string> text_of(reading& to, const yaml_value& x) {
  if (!x.is_scalar()) {
    to.add(x.line, x.path, "must be a single value", "text or a number");
    return std::nullopt;
  }
  environment noting = [&](const std::string& name) {
    auto value = to.env(name);
    if (value)
      to.variables.emplace(*value, name);
    return value;
  };
  auto expanded = expand_variables(x.node.Scalar(), noting);
  if (!expanded.value)
    to.add(x.line, x.path, expanded.message, expanded.allowed);
  return expanded.value;
}

std::vector<yaml_value> elements_of(reading& to, const yaml_value& x) {
  std::vector<yaml_value> result;
  if (!x.there())
    return result;
  if (!x.node.IsSequence()) {
    to.add(x.line, x.path, "must be a list", "[a, b] or lines that begin with '- '");
    return result;
  }
  for (const auto& element : x.node) {
    auto path = x.path + "[" + std::to_string(result.size()) + "]";
    result.push_back({element, std::move(path), line_of(element)});
  }
  return result;
}

void add_mistake(reading& to, const yaml_value& x, std::string_view message, std::string allowed) {
  to.add(x.line, x.path, quoted(x.node.Scalar()) + " " + std::string{message}, std::move(allowed));
}

void check_known_name(reading& to, const yaml_value& x, const std::string& name,
                      const std::vector<std::string_view>& known, const std::string& what) {
  if (std::find(known.begin(), known.end(), name) != known.end())
    return;
  auto nearest = nearest_name(name, known);
  add_mistake(to, x,
              "is no " + what + " of this configuration" +
                  (nearest.empty() ? std::string{} : "; did you mean '" + nearest + "'?"),
              "the name of a " + what);
}

map_reader::map_reader(reading& to, const yaml_value& at) : to_(to), at_(at) {
  if (!at.there())
    return;
  if (!at.is_map()) {
    to.add(at.line, at.path, "must be a mapping", "lines of 'key: value'");
    return;
  }
  for (const auto& entry : at.node) {
    if (!entry.first.IsScalar()) {
      to.add(line_of(entry.first), at.path, "a key must be a single word");
      continue;
    }
    const auto& name = entry.first.Scalar();
    yaml_value x{entry.second, path_of(name), line_of(entry.first)};
    auto [first, added] = entries_.emplace(name, x);
    if (!added)
      to.add(x.line, x.path, "is said twice, first in line " + std::to_string(first->second.line));
  }
}

yaml_value map_reader::value(const std::string& name) {
  read_.insert(name);
  auto i = entries_.find(name);
  if (i != entries_.end())
    return i->second;
  return {YAML::Node{YAML::NodeType::Null}, path_of(name), 0};
}

void map_reader::decimal(const std::string& name, double& into, bounds<double> range) {
  read(name, [&](std::string_view text) {
    auto x = parse_decimal(text, range);
    into = x.value.value_or(into);
    return problem{x.message, x.allowed};
  });
}

void map_reader::flag(const std::string& name, bool& into) {
  read(name, [&](std::string_view text) {
    auto x = parse_flag(text);
    into = x.value.value_or(into);
    return problem{x.message, x.allowed};
  });
}

void map_reader::usd(const std::string& name, nanousd& into, bounds<nanousd> range) {
  read(name, [&](std::string_view text) {
    auto x = parse_usd(text, range);
    into = x.value.value_or(into);
    return problem{x.message, x.allowed};
  });
}

void map_reader::text(const std::string& name, std::string& into) {
  read(name, [&](std::string_view text) {
    into = text;
    return problem{};
  });
}

void map_reader::choice(const std::string& name, std::string& into,
                        const std::vector<std::string_view>& allowed) {
  read(name, [&](std::string_view text) {
    for (auto x : allowed)
      if (x == text) {
        into = text;
        return problem{};
      }
    return problem{"is not one of the words known here", join(allowed)};
  });
}

void map_reader::fail(const std::string& name, std::string message, std::string allowed) {
  auto x = value(name);
  to_.add(x.line > 0 ? x.line : at_.line, x.path, std::move(message), std::move(allowed));
}

void map_reader::require(const std::string& name, std::string allowed) {
  // Where there should be a mapping and is something else, that is said already.
  bool readable = at_.is_map() || !at_.there();
  if (readable && !has(name))
    fail(name, "is missing", std::move(allowed));
}

void map_reader::end() {
  std::vector<std::string_view> known{read_.begin(), read_.end()};
  for (auto& [name, x] : entries_) {
    if (read_.count(name) > 0)
      continue;
    auto nearest = nearest_name(name, known);
    to_.add(x.line, x.path,
            "is not a setting" + (nearest.empty() ? "" : "; did you mean '" + nearest + "'?"),
            join(known));
  }
}

std::string map_reader::path_of(const std::string& name) const {
  return at_.path.empty() ? name : at_.path + "." + name;
}

} // namespace sluice
