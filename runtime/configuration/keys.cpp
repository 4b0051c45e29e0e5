#include "runtime/configuration/names.hpp"
#include "runtime/configuration/sections.hpp"
#include "runtime/nearest_name.hpp"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>

namespace sluice {

namespace {

// Below this a key can be guessed; keys that are made by machines have 32 characters and more.
constexpr size_t key_length_min = 16;
// Far above every key in use, and still one header.
constexpr size_t key_length_max = 512;

// More than a provider sells; and it keeps the sums of buckets in range.
constexpr uint32_t tokens_per_minute_max = 1'000'000'000;

std::string sha256_of(const std::string& text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  constexpr std::string_view digits = "0123456789abcdef";
  std::string result;
  for (auto x : digest) {
    result += digits[x >> 4];
    result += digits[x & 0xf];
  }
  return result;
}

bool is_sha256(std::string_view x) {
  return x.size() == 2 * SHA256_DIGEST_LENGTH && std::all_of(x.begin(), x.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

void read_hash(map_reader& map, key_settings& into) {
  map.text("sha256", into.sha256);
  std::transform(into.sha256.begin(), into.sha256.end(), into.sha256.begin(),
                 [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c; });
  if (!is_sha256(into.sha256))
    map.fail("sha256", "is no SHA-256", "64 hexadecimal digits, as `sha256sum` prints them");
}

/// Hashes the key at once and wipes it. The mistakes here never quote it.
void read_plain_key(map_reader& map, key_settings& into) {
  std::string key;
  map.text("key", key);
  bool plain = std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  if (key.size() < key_length_min || key.size() > key_length_max || !plain)
    map.fail("key", "is no key that can be used",
             std::to_string(key_length_min) + " to " + std::to_string(key_length_max) +
                 " printable characters without spaces");
  into.sha256 = sha256_of(key);
  OPENSSL_cleanse(key.data(), key.size());
  auto at = map.value("key");
  if (at.is_scalar() && at.node.Scalar().find("${") == std::string::npos)
    map.context().notices.push_back("the key '" + into.id +
                                    "' stands in the file in plain text; better give its sha256 "
                                    "or a ${VARIABLE}");
}

void read_name(map_reader& map, const std::string& name, std::string& into) {
  map.text(name, into);
  if (map.has(name) && !is_short_name(into))
    map.fail(name, "'" + into + "' is no name", std::string{short_name_allowed});
}

void read_allowed_models(reading& to, const yaml_value& at, const std::vector<model>& models,
                         key_settings& into) {
  std::vector<std::string_view> names;
  for (auto& x : models)
    names.push_back(x.name);
  auto elements = elements_of(to, at);
  if (elements.empty() && at.there() && at.node.IsSequence())
    to.add(at.line, at.path, "is empty, which would allow every model",
           "names of models, or nothing here at all");
  for (auto& element : elements) {
    auto name = text_of(to, element);
    if (!name)
      continue;
    into.models.push_back(*name);
    if (std::find(names.begin(), names.end(), *name) != names.end())
      continue;
    auto nearest = nearest_name(*name, names);
    add_mistake(to, element,
                "is no model of this configuration" +
                    (nearest.empty() ? std::string{} : "; did you mean '" + nearest + "'?"),
                "the name of a model");
  }
}

key_settings read_key(reading& to, const yaml_value& at, const std::vector<model>& models) {
  key_settings result;
  map_reader map{to, at};
  map.require("id", "a name for logs and metrics");
  read_name(map, "id", result.id);
  bool hashed = map.has("sha256");
  bool plain = map.has("key");
  if (hashed == plain)
    to.add(at.line, at.path, hashed ? "has both sha256 and key" : "has neither sha256 nor key",
           "sha256: of the key, or key: ${VARIABLE}");
  else if (hashed)
    read_hash(map, result);
  else
    read_plain_key(map, result);
  map.require("tenant", "whose spending this key's is");
  read_name(map, "tenant", result.tenant);
  read_name(map, "team", result.team);
  read_name(map, "user", result.user);
  read_name(map, "tier", result.tier);
  read_allowed_models(to, map.value("models"), models, result);
  map.integer<uint32_t>("requests_per_minute", result.requests_per_minute, {0, 10'000'000});
  map.integer<uint32_t>("tokens_per_minute", result.tokens_per_minute, {0, tokens_per_minute_max});
  map.flag("admin", result.admin);
  map.end();
  return result;
}

} // namespace

std::vector<key_settings> read_keys(reading& to, const yaml_value& at,
                                    const std::vector<model>& models) {
  std::vector<key_settings> result;
  for (auto& element : elements_of(to, at)) {
    auto x = read_key(to, element, models);
    for (auto& y : result) {
      if (!x.id.empty() && x.id == y.id)
        to.add(element.line, element.path + ".id", "the key id '" + x.id + "' is there twice",
               "ids that differ");
      if (!x.sha256.empty() && x.sha256 == y.sha256)
        to.add(element.line, element.path, "is the same key as '" + y.id + "'", "keys that differ");
    }
    result.push_back(std::move(x));
  }
  return result;
}

} // namespace sluice
