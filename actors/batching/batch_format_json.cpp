#include "actors/batching/batch_format_json.hpp"

#include <simdjson.h>

#include <algorithm>
#include <charconv>

namespace sluice {

namespace {

namespace ondemand = simdjson::ondemand;

std::string_view trimmed(std::string_view x) {
  while (!x.empty() &&
         (x.back() == ' ' || x.back() == '\n' || x.back() == '\r' || x.back() == '\t'))
    x.remove_suffix(1);
  return x;
}

/// A text while it is walked: simdjson reads a padded copy, the parts are views of the original.
class json_walk {
public:
  explicit json_walk(std::string_view text) : text_(text), copy_(text) {}

  template <class Container>
  bool open(Container& to) {
    return parser_.iterate(copy_).get(document_) == simdjson::SUCCESS &&
           document_.get(to) == simdjson::SUCCESS;
  }

  /// Nothing but the container stood in the text.
  bool closed() { return document_.current_location().error() == simdjson::OUT_OF_BOUNDS; }

  std::optional<std::string_view> raw(ondemand::value& x) const {
    std::string_view found;
    if (simdjson::to_json_string(x).get(found) != simdjson::SUCCESS)
      return std::nullopt;
    return original(found.data(), trimmed(found).size());
  }

  std::optional<json_fields> fields(ondemand::object& object) const {
    json_fields result;
    for (auto x : object) {
      ondemand::field field;
      if (std::move(x).get(field) != simdjson::SUCCESS)
        return std::nullopt;
      auto key = key_at(field.key().raw());
      auto value = raw(field.value());
      if (!key || !value)
        return std::nullopt;
      result.push_back({*key, *value});
    }
    return result;
  }

private:
  std::optional<std::string_view> original(const char* begin, size_t size) const {
    auto offset = static_cast<size_t>(begin - copy_.data());
    if (offset > text_.size() || size > text_.size() - offset)
      return std::nullopt;
    return text_.substr(offset, size);
  }

  /// simdjson tells where a key begins, but not where it ends.
  std::optional<std::string_view> key_at(const char* begin) const {
    auto offset = static_cast<size_t>(begin - copy_.data());
    auto end = offset;
    while (end < text_.size() && text_[end] != '"')
      end += text_[end] == '\\' ? 2 : 1;
    if (end >= text_.size())
      return std::nullopt;
    return text_.substr(offset, end - offset);
  }

  std::string_view text_;
  simdjson::padded_string copy_;
  ondemand::parser parser_;
  ondemand::document document_;
};

} // namespace

std::optional<json_fields> read_json_fields(std::string_view text) {
  json_walk walk{text};
  ondemand::object object;
  if (!walk.open(object))
    return std::nullopt;
  auto result = walk.fields(object);
  return walk.closed() ? result : std::nullopt;
}

std::optional<std::vector<std::string_view>> read_json_items(std::string_view text) {
  json_walk walk{text};
  ondemand::array array;
  if (!walk.open(array))
    return std::nullopt;
  std::vector<std::string_view> result;
  for (auto x : array) {
    ondemand::value value;
    if (std::move(x).get(value) != simdjson::SUCCESS)
      return std::nullopt;
    auto item = walk.raw(value);
    if (!item)
      return std::nullopt;
    result.push_back(*item);
  }
  return walk.closed() ? std::optional{std::move(result)} : std::nullopt;
}

std::optional<std::vector<json_fields>> read_json_objects(std::string_view text) {
  json_walk walk{text};
  ondemand::array array;
  if (!walk.open(array))
    return std::nullopt;
  std::vector<json_fields> result;
  for (auto x : array) {
    ondemand::object object;
    if (x.get_object().get(object) != simdjson::SUCCESS)
      return std::nullopt;
    auto fields = walk.fields(object);
    if (!fields)
      return std::nullopt;
    result.push_back(std::move(*fields));
  }
  return walk.closed() ? std::optional{std::move(result)} : std::nullopt;
}

std::string_view sole_value(const json_fields& fields, std::string_view key) {
  std::string_view result;
  for (const auto& x : fields) {
    if (x.key != key)
      continue;
    if (!result.empty())
      return {};
    result = x.value;
  }
  return result;
}

bool is_default(const json_fields& fields, std::string_view key,
                std::initializer_list<std::string_view> values) {
  return std::ranges::all_of(fields, [&](auto& x) {
    return x.key != key || x.value == "null" || std::ranges::find(values, x.value) != values.end();
  });
}

std::optional<int64_t> read_json_count(std::string_view value) {
  int64_t result = 0;
  auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), result);
  if (error != std::errc{} || end != value.data() + value.size() || result < 0)
    return std::nullopt;
  return result;
}

std::optional<std::string> read_json_text(std::string_view quoted) {
  simdjson::padded_string copy{quoted};
  ondemand::parser parser;
  ondemand::document document;
  std::string_view text;
  if (!quoted.starts_with('"') || parser.iterate(copy).get(document) != simdjson::SUCCESS ||
      document.get_string().get(text) != simdjson::SUCCESS || !simdjson::validate_utf8(text))
    return std::nullopt;
  return std::string{text};
}

void append_json_text(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  out += '"';
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      out.append({'\\', c});
    else if (c == '\n')
      out += "\\n";
    else if (byte < 0x20)
      out.append("\\u00").append({digits[byte >> 4], digits[byte & 15]});
    else
      out += c;
  }
  out += '"';
}

size_t json_string_bytes(std::string_view quoted) {
  size_t result = 0;
  for (size_t i = 1; i + 1 < quoted.size(); ++i, ++result) {
    if (quoted[i] != '\\')
      continue;
    ++i;
    if (quoted[i] != 'u' || i + 4 >= quoted.size())
      continue;
    uint32_t code = 0;
    std::from_chars(quoted.data() + i + 1, quoted.data() + i + 5, code, 16);
    i += 4;
    bool surrogate = code >= 0xd800 && code < 0xe000; // two of them are four bytes
    result += code < 0x80 ? 0 : code < 0x800 || surrogate ? 1 : 2;
  }
  return result;
}

void append_json_field(std::string& out, std::string_view key, std::string_view value) {
  if (!out.empty() && out.back() != '{')
    out += ',';
  out += '"';
  out += key;
  out += "\":";
  out += value;
}

} // namespace sluice
