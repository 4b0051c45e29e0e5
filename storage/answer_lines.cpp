#include "storage/answer_lines.hpp"

#include "runtime/ec.hpp"
#include "runtime/escape.hpp"
#include "runtime/hex.hpp"

#include <simdjson.h>

#include <initializer_list>
#include <limits>

namespace sluice {

namespace {

namespace dom = simdjson::dom;

/// Entries of one page of the export.
constexpr uint32_t page_size = 256;

std::string hex_of(const fingerprint& x) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string result;
  for (auto c : key_bytes(x)) {
    auto byte = static_cast<unsigned char>(c);
    result += digits[byte >> 4];
    result += digits[byte & 15];
  }
  return result;
}

void add_text(std::string& to, std::string_view name, std::string_view x) {
  to.append(",\"").append(name).append("\":\"");
  append_json_escaped(x, to);
  to += '"';
}

void add_number(std::string& to, std::string_view name, int64_t x) {
  to.append(",\"").append(name).append("\":").append(std::to_string(x));
}

bool is_text(const std::string& x) {
  return simdjson::validate_utf8(x);
}

/// Takes the fields of an object and remembers the first thing that was wrong.
class object_reader {
public:
  object_reader(const dom::object& from, std::string path) : from_(from), path_(std::move(path)) {}

  void hex(std::string_view name, fingerprint& to) {
    std::string digits;
    text(name, digits);
    std::string bytes;
    for (size_t i = 0; i + 1 < digits.size(); i += 2) {
      auto high = hex_digit(digits[i]);
      auto low = hex_digit(digits[i + 1]);
      if (high < 0 || low < 0)
        break;
      bytes += static_cast<char>(high * 16 + low);
    }
    if (bytes.size() == 16 && digits.size() == 32)
      to = key_of(bytes);
    else
      fail(name, "must be 32 hexadecimal digits");
  }
  void text(std::string_view name, std::string& to) {
    std::string_view value;
    if (auto x = field(name); x && x->get(value) == simdjson::SUCCESS)
      to = value;
    else
      fail(name, "must be a text");
  }
  void number(std::string_view name, int64_t least, int64_t most, int64_t& to) {
    int64_t value = 0;
    auto x = field(name);
    if (x && x->is_int64() && x->get(value) == simdjson::SUCCESS && value >= least && value <= most)
      to = value;
    else
      fail(name,
           "must be a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  }
  void time(std::string_view name, sys_seconds& to) {
    int64_t seconds = 0;
    number(name, 0, time_max.time_since_epoch().count(), seconds);
    to = sys_seconds{std::chrono::seconds{seconds}};
  }
  /// The field, where it stands there once.
  std::optional<dom::element> field(std::string_view name) {
    std::optional<dom::element> result;
    for (auto [key, value] : from_) {
      if (key != name)
        continue;
      if (result)
        fail(name, "stands there twice");
      result = value;
    }
    if (!result)
      fail(name, "is missing");
    ++known_;
    return result;
  }
  void fail(std::string_view name, std::string_view why) {
    if (wrong.empty())
      wrong = "'" + path_ + std::string{name} + "' " + std::string{why};
  }
  /// Behind the last field.
  void end() {
    if (wrong.empty() && from_.size() != known_)
      wrong = "there are fields that an answer does not have";
  }

  std::string wrong;

private:
  dom::object from_;
  std::string path_;
  size_t known_ = 0;
};

constexpr auto int64_most = std::numeric_limits<int64_t>::max();
constexpr auto int64_least = std::numeric_limits<int64_t>::min();

void read_usage(object_reader& from, cached_answer& to) {
  auto found = from.field("usage");
  if (!found || found->is_null())
    return;
  dom::object object;
  if (found->get(object) != simdjson::SUCCESS)
    return from.fail("usage", "must be an object or null");
  object_reader usage{object, "usage."};
  usage.number("input", 0, int64_most, to.usage.input);
  usage.number("cache_read", 0, int64_most, to.usage.cache_read);
  usage.number("cache_write", 0, int64_most, to.usage.cache_write);
  usage.number("output", 0, int64_most, to.usage.output);
  usage.number("reasoning", 0, int64_most, to.usage.reasoning);
  usage.end();
  to.usage_known = true;
  if (from.wrong.empty())
    from.wrong = usage.wrong;
}

answer_record read_fields(object_reader& from) {
  answer_record x;
  int64_t events = 0;
  from.hex("key", x.meta.key);
  from.hex("scope", x.meta.scope);
  from.text("tenant", x.meta.tenant);
  from.text("question", x.meta.question);
  from.text("content", x.answer.content);
  from.number("events", 0, std::numeric_limits<uint32_t>::max(), events);
  from.text("deployment", x.answer.deployment);
  read_usage(from, x.answer);
  from.number("cost_nanousd", int64_least, int64_most, x.answer.cost.value);
  from.time("created", x.meta.created);
  from.time("expires", x.meta.expires);
  from.end();
  x.answer.events = static_cast<uint32_t>(events);
  return x;
}

} // namespace

std::string line_of(const answer_meta& meta, const cached_answer& answer) {
  std::string x;
  for (auto* text : {&meta.tenant, &meta.question, &answer.content, &answer.deployment})
    if (!is_text(*text))
      return x;
  x = "{\"key\":\"" + hex_of(meta.key) + "\",\"scope\":\"" + hex_of(meta.scope) + '"';
  add_text(x, "tenant", meta.tenant);
  add_text(x, "question", meta.question);
  add_text(x, "content", answer.content);
  add_number(x, "events", answer.events);
  add_text(x, "deployment", answer.deployment);
  if (answer.usage_known) {
    x += ",\"usage\":{\"input\":" + std::to_string(answer.usage.input);
    add_number(x, "cache_read", answer.usage.cache_read);
    add_number(x, "cache_write", answer.usage.cache_write);
    add_number(x, "output", answer.usage.output);
    add_number(x, "reasoning", answer.usage.reasoning);
    x += '}';
  } else {
    x += ",\"usage\":null";
  }
  add_number(x, "cost_nanousd", answer.cost.value);
  add_number(x, "created", meta.created.time_since_epoch().count());
  add_number(x, "expires", meta.expires.time_since_epoch().count());
  return x += '}';
}

caf::expected<answer_record> parse_answer_line(std::string_view line) {
  if (line.size() > answer_line_bytes_max)
    return make_error(ec::invalid_value, "is longer than 32 MiB");
  dom::parser parser;
  dom::element root;
  dom::object object;
  if (auto error = parser.parse(line.data(), line.size()).get(root))
    return make_error(ec::invalid_value,
                      std::string{"is not JSON: "} + simdjson::error_message(error));
  if (root.get(object) != simdjson::SUCCESS)
    return make_error(ec::invalid_value, "is not a JSON object");
  object_reader reader{object, ""};
  auto result = read_fields(reader);
  if (!reader.wrong.empty())
    return make_error(ec::invalid_value, reader.wrong);
  return result;
}

caf::expected<answer_export> export_answers(answer_store& from, wall_time now,
                                            const std::function<caf::error(std::string_view)>& to) {
  answer_export result;
  for (std::optional<fingerprint> at = fingerprint{}; at;) {
    auto page = from.scan_meta(*at, page_size, now);
    if (!page)
      return page.error();
    for (auto& meta : page->entries) {
      auto found = from.read(meta.key, now);
      if (!found)
        return found.error();
      if (!*found) // gone meanwhile
        continue;
      auto line = line_of(meta, (*found)->answer);
      if (line.empty()) {
        ++result.left_out;
        continue;
      }
      if (auto error = to(line))
        return error;
      ++result.lines;
    }
    at = page->next;
  }
  return result;
}

caf::expected<answer_import> import_answers(answer_store& to, wall_time now,
                                            const std::function<bool(std::string&)>& next) {
  answer_import result;
  std::string line;
  for (uint64_t number = 1; next(line); ++number) {
    auto x = parse_answer_line(line);
    if (!x)
      return make_error(code_of(x.error()),
                        "line " + std::to_string(number) + ": " + message_of(x.error()));
    if (x->meta.expires <= now) {
      ++result.expired;
      continue;
    }
    x->meta.use = {1, std::chrono::floor<std::chrono::seconds>(now)};
    if (auto error = to.put(*x, now))
      return make_error(code_of(error),
                        "line " + std::to_string(number) + ": " + message_of(error));
    ++result.kept;
  }
  return result;
}

} // namespace sluice
