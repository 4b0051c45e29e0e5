#include "api/sim/sim_schema.hpp"

#include "api/sim/sim_hash.hpp"
#include "api/sim/sim_text.hpp"
#include "runtime/ec.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

namespace sluice {

using nlohmann::json;

namespace {

/// Below this depth only what is required is made, so that recursive schemas come to an end.
constexpr uint32_t generous_depth = 4;

/// OpenAI allows ten levels of nesting; a `$ref` or an `anyOf` is a level of its own here.
constexpr uint32_t depth_max = 32;

/// Schemas visited for one value. A schema may branch at each level, and nobody reads more.
constexpr uint32_t visits_max = 5'000;

/// Characters of a string and items of a list that a schema may demand.
constexpr int64_t length_max = 10'000, items_max = 1'000;

class maker {
public:
  maker(const json& root, uint64_t seed) : root_(root), random_(seed) {}

  std::optional<json> make(const json& schema, uint32_t depth) {
    if (++visits_ > visits_max || depth > depth_max)
      return std::nullopt;
    if (schema.is_boolean())
      return schema.get<bool>() ? std::optional<json>{text()} : std::nullopt;
    if (!schema.is_object())
      return std::nullopt;
    if (schema.contains("$ref"))
      return make_reference(schema, depth);
    if (schema.contains("const"))
      return schema["const"];
    if (schema.contains("enum"))
      return make_enum(schema["enum"]);
    for (const char* key : {"anyOf", "oneOf"})
      if (schema.contains(key))
        return make_any(schema, key, depth);
    if (schema.contains("allOf"))
      return make_all(schema, depth);
    return make_typed(schema, depth);
  }

private:
  uint64_t draw() { return random_ = sim_mix(random_); }

  std::string text() { return sim_text(draw(), 4); }

  std::optional<json> make_enum(const json& values) {
    if (!values.is_array() || values.empty())
      return std::nullopt;
    return values[draw() % values.size()];
  }

  std::optional<json> make_reference(const json& schema, uint32_t depth) {
    const auto& name = schema["$ref"];
    if (!name.is_string() || !name.get_ref<const std::string&>().starts_with('#'))
      return std::nullopt;
    const auto* at = &root_;
    auto path = name.get<std::string>().substr(1);
    // Steps by hand: the library's pointer throws on what is not one.
    for (size_t i = 0; i < path.size();) {
      auto end = std::min(path.find('/', i + 1), path.size());
      auto key = unescaped(path.substr(i + 1, end - i - 1));
      if (!at->is_object() || !at->contains(key))
        return std::nullopt;
      at = &(*at)[key];
      i = end;
    }
    return make(*at, depth + 1);
  }

  static std::string unescaped(std::string key) {
    for (auto [from, to] : {std::pair{"~1", "/"}, {"~0", "~"}})
      for (size_t i = 0; (i = key.find(from, i)) != std::string::npos; ++i)
        key.replace(i, 2, to);
    return key;
  }

  /// `schema` without `key`, with what `more` says laid over it.
  static json merged(const json& schema, const char* key, const json& more) {
    auto result = schema;
    result.erase(key);
    if (!more.is_object())
      return result;
    for (const auto& [name, value] : more.items()) {
      if (name == "properties" && result.contains(name) && value.is_object())
        result[name].update(value);
      else if (name == "required" && result.contains(name) && value.is_array())
        result[name].insert(result[name].end(), value.begin(), value.end());
      else
        result[name] = value;
    }
    return result;
  }

  std::optional<json> make_any(const json& schema, const char* key, uint32_t depth) {
    if (!schema[key].is_array())
      return std::nullopt;
    for (const auto& choice : schema[key]) {
      // A branch that has no end is given up at the depth limit and the next one is tried.
      auto value = make(merged(schema, key, choice), depth + 1);
      if (value || visits_ > visits_max)
        return value;
    }
    return std::nullopt;
  }

  std::optional<json> make_all(const json& schema, uint32_t depth) {
    if (!schema["allOf"].is_array())
      return std::nullopt;
    auto parts = schema["allOf"];
    auto whole = schema;
    whole.erase("allOf");
    for (const auto& part : parts)
      whole = merged(whole, "", part);
    return make(whole, depth + 1);
  }

  static std::string type_of(const json& schema) {
    if (schema.contains("type")) {
      const auto& type = schema["type"];
      if (type.is_string())
        return type.get<std::string>();
      if (type.is_array() && !type.empty() && type.front().is_string())
        return type.front() == "null" && type.size() > 1 && type[1].is_string()
                   ? type[1].get<std::string>()
                   : type.front().get<std::string>();
    }
    if (schema.contains("properties") || schema.contains("required"))
      return "object";
    if (schema.contains("items") || schema.contains("prefixItems"))
      return "array";
    for (const char* key : {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})
      if (schema.contains(key))
        return "number";
    return schema.empty() || schema.contains("additionalProperties") ? "object" : "string";
  }

  std::optional<json> make_typed(const json& schema, uint32_t depth) {
    auto type = type_of(schema);
    if (type == "object")
      return make_object(schema, depth);
    if (type == "array")
      return make_array(schema, depth);
    if (type == "string")
      return make_string(schema);
    if (type == "integer" || type == "number")
      return make_number(schema, type == "integer");
    if (type == "boolean")
      return draw() % 2 == 0;
    if (type == "null")
      return json{};
    return std::nullopt;
  }

  static bool is_required(const json& schema, const std::string& name) {
    if (!schema.contains("required") || !schema["required"].is_array())
      return false;
    const auto& names = schema["required"];
    return std::find(names.begin(), names.end(), json(name)) != names.end();
  }

  std::optional<json> make_object(const json& schema, uint32_t depth) {
    json result = json::object();
    auto properties = schema.value("properties", json::object());
    if (!properties.is_object())
      return std::nullopt;
    for (const auto& [name, property] : properties.items()) {
      bool required = is_required(schema, name);
      if (!required && depth >= generous_depth)
        continue;
      auto value = make(property, depth + 1);
      if (value)
        result[name] = std::move(*value);
      else if (required)
        return std::nullopt;
    }
    if (!add_others(schema, result, depth))
      return std::nullopt;
    return result;
  }

  /// The required and further properties that have no schema of their own.
  bool add_others(const json& schema, json& result, uint32_t depth) {
    auto others = schema.value("additionalProperties", json(true));
    auto add = [&](const std::string& name) {
      auto value = make(others, depth + 1);
      if (value)
        result[name] = std::move(*value);
      return value.has_value();
    };
    auto required = schema.value("required", json::array());
    for (const auto& name : required)
      if (name.is_string() && !result.contains(name) && !add(name.get<std::string>()))
        return false;
    auto least = bound(schema, "minProperties", 0);
    if (least > items_max)
      return false;
    for (int64_t i = 0; static_cast<int64_t>(result.size()) < least; ++i)
      if (!add("simulated_" + std::to_string(i)))
        return false;
    return true;
  }

  static int64_t bound(const json& schema, const char* name, int64_t otherwise) {
    auto i = schema.find(name);
    if (i == schema.end() || !i->is_number())
      return otherwise;
    return static_cast<int64_t>(std::clamp(i->get<double>(), 0.0, 1e15));
  }

  std::optional<json> make_array(const json& schema, uint32_t depth) {
    json result = json::array();
    auto least = bound(schema, "minItems", 0);
    auto most = bound(schema, "maxItems", std::numeric_limits<int64_t>::max());
    auto first = schema.value("prefixItems", json::array());
    auto items = schema.value("items", json(true));
    if (!first.is_array() || least > items_max)
      return std::nullopt;
    auto wanted = depth < generous_depth ? 1 + static_cast<int64_t>(draw() % 2) : 0;
    wanted = std::min(std::max({wanted, least, static_cast<int64_t>(first.size())}), most);
    for (int64_t i = 0; i < wanted; ++i) {
      auto index = static_cast<size_t>(i);
      auto value = make(index < first.size() ? first[index] : items, depth + 1);
      if (value)
        result.push_back(std::move(*value));
      else if (i < least)
        return std::nullopt;
      else
        break;
    }
    return result;
  }

  std::optional<json> make_string(const json& schema) {
    auto format = schema.value("format", json{});
    for (auto [name, example] : {std::pair{"date-time", "2020-01-02T03:04:05Z"},
                                 {"date", "2020-01-02"},
                                 {"time", "03:04:05Z"},
                                 {"email", "simulated@example.com"},
                                 {"uri", "https://example.com/simulated"},
                                 {"uuid", "00000000-0000-4000-8000-000000000000"},
                                 {"ipv4", "192.0.2.1"}})
      if (format == name)
        return json(example);
    auto least = bound(schema, "minLength", 0);
    auto most = bound(schema, "maxLength", length_max);
    if (least > length_max || least > most)
      return std::nullopt;
    auto result = text();
    auto size = static_cast<int64_t>(result.size()); // it is ASCII: bytes are characters
    result.resize(static_cast<size_t>(std::clamp(size, least, most)), '.');
    return result;
  }

  static std::optional<double> number(const json& schema, const char* name) {
    auto i = schema.find(name);
    return i != schema.end() && i->is_number() ? std::optional{i->get<double>()} : std::nullopt;
  }

  std::optional<json> make_number(const json& schema, bool whole) {
    auto low = number(schema, "minimum"), high = number(schema, "maximum");
    auto above = number(schema, "exclusiveMinimum"), below = number(schema, "exclusiveMaximum");
    auto step = number(schema, "multipleOf").value_or(whole ? 1.0 : 0.0);
    if (step < 0 || (whole && step != std::floor(step)))
      step = 1;
    // Candidates from inside the range, smallest trouble first; the first that fits is taken.
    auto base = low ? *low : above ? *above : high ? *high - 10 : below ? *below - 10 : 0.0;
    auto top = high ? *high : below ? *below : base + 100;
    for (double share : {static_cast<double>(draw() % 64) / 64, 0.5, 0.0, 1.0}) {
      auto x = base + (top - base) * share;
      for (double candidate : {x, x - 1, x + 1, x + step}) {
        if (step > 0)
          candidate = std::ceil(candidate / step) * step;
        bool fits = (!low || candidate >= *low) && (!high || candidate <= *high) &&
                    (!above || candidate > *above) && (!below || candidate < *below);
        if (fits && std::isfinite(candidate))
          return as_json(candidate, whole);
      }
    }
    return std::nullopt;
  }

  static json as_json(double x, bool whole) {
    constexpr double exact = 9e15; // whole doubles are exact up to 2^53
    if (whole && std::abs(x) < exact)
      return static_cast<int64_t>(x);
    return x;
  }

  const json& root_;
  uint64_t random_;
  uint32_t visits_ = 0;
};

} // namespace

caf::expected<json> sim_value_for(const json& schema, uint64_t seed) {
  maker x{schema, seed};
  if (auto value = x.make(schema, 0))
    return *std::move(value);
  return make_error(ec::invalid_value, "the simulator found no value that fits the schema");
}

} // namespace sluice
