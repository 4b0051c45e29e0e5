#include "api/sim/sim_schema.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

namespace sluice {
namespace {

using nlohmann::json;

/// A check of the keywords that matter here, written apart from the code that makes the values.
bool fits(const json& root, const json& schema, const json& x) {
  if (schema.is_boolean())
    return schema.get<bool>();
  if (schema.contains("$ref")) {
    auto path = schema["$ref"].get<std::string>().substr(1);
    return fits(root, path.empty() ? root : root.at(json::json_pointer{path}), x);
  }
  if (schema.contains("const") && x != schema["const"])
    return false;
  if (schema.contains("enum") &&
      std::find(schema["enum"].begin(), schema["enum"].end(), x) == schema["enum"].end())
    return false;
  for (const char* key : {"anyOf", "oneOf"})
    if (schema.contains(key) && std::none_of(schema[key].begin(), schema[key].end(),
                                             [&](const json& one) { return fits(root, one, x); }))
      return false;
  if (schema.contains("allOf") && !std::all_of(schema["allOf"].begin(), schema["allOf"].end(),
                                               [&](const json& one) { return fits(root, one, x); }))
    return false;
  auto is = [&](const std::string& type) {
    return type == "integer"  ? x.is_number_integer()
           : type == "number" ? x.is_number()
           : type == "string" ? x.is_string()
           : type == "object" ? x.is_object()
           : type == "array"  ? x.is_array()
           : type == "null"   ? x.is_null()
                              : x.is_boolean();
  };
  if (schema.contains("type")) {
    auto types = schema["type"].is_array() ? schema["type"] : json::array({schema["type"]});
    if (std::none_of(types.begin(), types.end(), is))
      return false;
  }
  if (x.is_object()) {
    for (const auto& name : schema.value("required", json::array()))
      if (!x.contains(name.get<std::string>()))
        return false;
    auto properties = schema.value("properties", json::object());
    for (const auto& [name, value] : x.items()) {
      auto other = schema.value("additionalProperties", json(true));
      if (!fits(root, properties.contains(name) ? properties[name] : other, value))
        return false;
    }
  }
  if (x.is_array()) {
    if (x.size() < schema.value("minItems", size_t{0}) ||
        x.size() > schema.value("maxItems", SIZE_MAX))
      return false;
    for (const auto& item : x)
      if (schema.contains("items") && !fits(root, schema["items"], item))
        return false;
  }
  if (x.is_string()) {
    auto size = x.get_ref<const std::string&>().size();
    if (size < schema.value("minLength", size_t{0}) || size > schema.value("maxLength", SIZE_MAX))
      return false;
  }
  if (x.is_number()) {
    auto value = x.get<double>();
    if (value < schema.value("minimum", -1e300) || value > schema.value("maximum", 1e300) ||
        value <= schema.value("exclusiveMinimum", -1e300) ||
        value >= schema.value("exclusiveMaximum", 1e300))
      return false;
    if (schema.contains("multipleOf") &&
        std::abs(std::remainder(value, schema["multipleOf"].get<double>())) > 1e-9)
      return false;
  }
  return true;
}

void expect_fits(const std::string& text) {
  auto schema = json::parse(text);
  for (uint64_t seed = 0; seed < 50; ++seed) {
    auto x = sim_value_for(schema, seed);
    ASSERT_TRUE(x) << text;
    EXPECT_TRUE(fits(schema, schema, *x)) << text << "\n" << x->dump() << "\nseed " << seed;
    EXPECT_EQ(*x, *sim_value_for(schema, seed)) << "follows from the seed";
  }
}

TEST(sim_schema_test, fits_objects_with_every_type) {
  expect_fits(R"({"type":"object","additionalProperties":false,
    "required":["name","age","score","tags","home","unit","ok","nothing"],
    "properties":{"name":{"type":"string"},"age":{"type":"integer","minimum":18,"maximum":99},
      "score":{"type":"number","exclusiveMinimum":0,"exclusiveMaximum":1},
      "tags":{"type":"array","items":{"type":"string"},"minItems":3,"maxItems":4},
      "home":{"type":"object","required":["city"],"additionalProperties":false,
        "properties":{"city":{"type":"string","maxLength":5},"zip":{"type":["string","null"]}}},
      "unit":{"type":"string","enum":["celsius","fahrenheit"]},
      "ok":{"type":"boolean"},"nothing":{"type":"null"},"maybe":{"type":"integer"}}})");
}

TEST(sim_schema_test, fits_choices_references_and_merges) {
  expect_fits(R"({"type":"object","required":["a","b","c","d"],"additionalProperties":false,
    "properties":{"a":{"anyOf":[{"type":"integer"},{"type":"null"}]},
      "b":{"$ref":"#/$defs/colour"},"c":{"oneOf":[{"const":7},{"const":8}]},
      "d":{"allOf":[{"$ref":"#/$defs/named"}]}},
    "$defs":{"colour":{"enum":["red","green"]},
      "named":{"type":"object","required":["name"],"properties":{"name":{"type":"string"}}}}})");
}

TEST(sim_schema_test, fits_lengths_and_numbers_at_their_bounds) {
  expect_fits(R"({"type":"string","minLength":100})");
  expect_fits(R"({"type":"string","maxLength":0})");
  expect_fits(R"({"type":"integer","minimum":5,"maximum":5})");
  expect_fits(R"({"type":"integer","exclusiveMinimum":5,"exclusiveMaximum":7})");
  expect_fits(R"({"type":"integer","minimum":1,"multipleOf":5})");
  expect_fits(R"({"type":"number","maximum":-3})");
  expect_fits(R"({"type":"number","minimum":0.1,"maximum":0.2})");
  expect_fits(R"({"type":"array","items":{"type":"integer"},"minItems":20})");
  expect_fits(R"({"type":"array","items":{"type":"integer"},"maxItems":0})");
  expect_fits(R"({})");
  expect_fits(R"(true)");
}

TEST(sim_schema_test, recursive_schemas_come_to_an_end) {
  expect_fits(R"({"type":"object","required":["value","next"],"additionalProperties":false,
    "properties":{"value":{"type":"integer"},"next":{"anyOf":[{"$ref":"#"},{"type":"null"}]}}})");
  expect_fits(R"({"type":"object","required":["children"],"additionalProperties":false,
    "properties":{"children":{"type":"array","items":{"$ref":"#"}}}})");
}

TEST(sim_schema_test, makes_the_formats_that_clients_parse) {
  auto x = sim_value_for(json::parse(R"({"type":"string","format":"date-time"})"), 1);
  ASSERT_TRUE(x);
  EXPECT_EQ(*x, "2020-01-02T03:04:05Z");
}

TEST(sim_schema_test, gives_up_on_what_nothing_fits) {
  for (const char* text :
       {R"({"type":"integer","minimum":5,"maximum":4})", R"({"$ref":"#/$defs/missing"})",
        R"({"type":"object","required":["me"],"properties":{"me":{"$ref":"#"}}})",
        R"({"type":"object","required":["x"],"additionalProperties":false})", R"({"enum":[]})",
        R"({"type":"array","minItems":1000000000})", R"({"type":"string","minLength":1000000000})",
        R"(false)", R"({"type":"colour"})", R"({"anyOf":3})", R"({"properties":7})"})
    EXPECT_FALSE(sim_value_for(json::parse(text), 1)) << text;
}

TEST(sim_schema_test, wide_recursion_stays_within_its_bounds) {
  auto schema = json::parse(R"({"type":"object","properties":{},"required":[]})");
  for (int i = 0; i < 50; ++i) {
    auto name = "p" + std::to_string(i);
    schema["properties"][name] = {{"$ref", "#"}};
    schema["required"].push_back(name);
  }
  EXPECT_FALSE(sim_value_for(schema, 1)); // within the time that a test has
}

} // namespace
} // namespace sluice
