#include "api/http/multipart.hpp"

#include "runtime/ec.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace sluice {

namespace {

/// The forms that are sent here have two fields.
constexpr size_t parts_max = 16;

/// Of one part's header lines: a long file name twice.
constexpr size_t head_bytes_max = 4 * 1024;

/// RFC 2046 section 5.1.1.
constexpr size_t boundary_max = 70;
constexpr std::string_view boundary_signs = "'()+_,-./:=? ";

constexpr std::string_view line_end = "\r\n";

caf::error broken(std::string why) {
  return make_error(ec::invalid_value, "The form cannot be read: " + std::move(why) + ".");
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

void skip_blanks(std::string_view& text) {
  auto i = text.find_first_not_of(" \t");
  text.remove_prefix(i == text.npos ? text.size() : i);
}

/// Takes a value off `text`: a quoted string with its backslashes resolved, or a token.
std::optional<std::string> take_value(std::string_view& text) {
  std::string result;
  if (!text.starts_with('"')) {
    auto size = std::min(text.find_first_of("; \t"), text.size());
    result = text.substr(0, size);
    text.remove_prefix(size);
    return result.empty() ? std::nullopt : std::optional{result};
  }
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      text.remove_prefix(i + 1);
      return result;
    }
    // Browsers send a backslash as it is; only before these two does it hide something.
    if (text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == '"' || text[i + 1] == '\\'))
      ++i;
    result.push_back(text[i]);
  }
  return std::nullopt;
}

/// Calls `f(name, value)` for the parameters behind the first `;`; false where they are broken.
template <class F>
bool each_parameter(std::string_view text, F f) {
  auto start = text.find(';');
  text.remove_prefix(std::min(start, text.size()));
  while (!text.empty()) {
    if (text.front() != ';')
      return false;
    text.remove_prefix(1);
    skip_blanks(text);
    auto equals = text.find('=');
    if (equals == 0 || equals == text.npos)
      return false;
    auto name = text.substr(0, equals);
    text.remove_prefix(equals + 1);
    auto value = take_value(text);
    if (!value || !f(name, std::move(*value)))
      return false;
    skip_blanks(text);
  }
  return true;
}

std::string_view main_value(std::string_view field) {
  auto value = field.substr(0, field.find(';'));
  while (!value.empty() && (value.back() == ' ' || value.back() == '\t'))
    value.remove_suffix(1);
  return value;
}

std::optional<std::string> boundary_of(std::string_view content_type) {
  if (!same(main_value(content_type), "multipart/form-data"))
    return std::nullopt;
  std::optional<std::string> result;
  auto good = each_parameter(content_type, [&](std::string_view name, std::string value) {
    if (!same(name, "boundary"))
      return true;
    auto first = !result;
    result = std::move(value);
    return first;
  });
  auto usable = good && result && !result->empty() && result->size() <= boundary_max &&
                result->back() != ' ' && std::all_of(result->begin(), result->end(), [](char c) {
                  return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') ||
                         boundary_signs.find(c) != boundary_signs.npos;
                });
  return usable ? result : std::nullopt;
}

/// Reads the header lines of a part.
std::optional<form_part> read_head(std::string_view head) {
  form_part result;
  auto named = false;
  while (!head.empty()) {
    auto line = head.substr(0, head.find(line_end));
    head.remove_prefix(std::min(line.size() + line_end.size(), head.size()));
    auto colon = line.find(':');
    if (colon == line.npos || line.find_first_of(std::string_view{"\r\n\0", 3}) != line.npos)
      return std::nullopt;
    auto value = line.substr(colon + 1);
    skip_blanks(value);
    if (!same(line.substr(0, colon), "Content-Disposition"))
      continue;
    if (named || !same(main_value(value), "form-data"))
      return std::nullopt;
    auto good = each_parameter(value, [&](std::string_view name, std::string text) {
      if (same(name, "name") && !std::exchange(named, true))
        result.name = std::move(text);
      else if (same(name, "filename") && !std::exchange(result.is_file, true))
        result.filename = std::move(text);
      else
        return same(name, "filename*"); // another spelling of the same
      return true;
    });
    if (!good)
      return std::nullopt;
  }
  return named ? std::optional{result} : std::nullopt;
}

} // namespace

caf::expected<std::vector<form_part>> read_form(std::string_view content_type,
                                                std::string_view body) {
  auto boundary = boundary_of(content_type);
  if (!boundary)
    return make_error(ec::unsupported_media_type,
                      "The body of the request must be multipart/form-data with a boundary.");
  auto first = "--" + *boundary;
  auto delimiter = "\r\n" + first;
  if (!body.starts_with(first))
    return broken("it does not begin with its boundary");
  body.remove_prefix(first.size());
  std::vector<form_part> result;
  while (body.starts_with(line_end)) {
    body.remove_prefix(line_end.size());
    if (result.size() == parts_max)
      return broken("it has more than " + std::to_string(parts_max) + " fields");
    auto head_size = body.substr(0, head_bytes_max + 4).find("\r\n\r\n");
    if (head_size == body.npos)
      return broken("the header lines of a field have no end");
    auto part = read_head(body.substr(0, head_size));
    if (!part)
      return broken("a field has no name, or one that cannot be read");
    body.remove_prefix(head_size + 4);
    auto end = body.find(delimiter);
    if (end == body.npos)
      return broken("a field has no end");
    part->content = body.substr(0, end);
    body.remove_prefix(end + delimiter.size());
    result.push_back(std::move(*part));
  }
  if (body != "--" && body != "--\r\n")
    return broken("it does not end with its boundary");
  if (result.empty())
    return broken("it has no field");
  return result;
}

} // namespace sluice
