#include "actors/monitor/request_log.hpp"

#include "runtime/escape.hpp"

#include <algorithm>
#include <charconv>
#include <concepts>
#include <string_view>

namespace sluice {

namespace {

using nanoseconds = std::chrono::nanoseconds;

void append_number(std::integral auto value, std::string& out) {
  char buffer[24];
  auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  out.append(buffer, end);
}

/// Milliseconds with three decimals, without going through floating point.
void append_millis(nanoseconds value, std::string& out) {
  auto micros = std::max<int64_t>(value.count() / 1'000, 0);
  append_number(micros / 1'000, out);
  auto rest = micros % 1'000;
  const char decimals[4] = {'.', static_cast<char>('0' + rest / 100),
                            static_cast<char>('0' + rest / 10 % 10),
                            static_cast<char>('0' + rest % 10)};
  out.append(decimals, sizeof decimals);
}

/// The latency that Sluice added. Both are measured on one clock, but the upstream's share may
/// outlast the request where the client went away.
nanoseconds overhead(const request_record& x) {
  return std::max(x.duration - x.upstream, nanoseconds{0});
}

/// The name of a JSON field with all that stands around it, put together by the compiler: with some
/// twenty fields a line these pieces are most of the work.
template <size_t Size>
struct field_name {
  consteval field_name(const char (&name)[Size]) {
    text[0] = ',';
    text[1] = '"';
    std::copy_n(name, Size - 1, text + 2);
    text[Size + 1] = '"';
    text[Size + 2] = ':';
  }
  constexpr std::string_view view() const { return {text, Size + 3}; }

  char text[Size + 3]{};
};

/// Adds the fields of one JSON object. Names are literals that need no escaping.
class json_fields {
public:
  explicit json_fields(std::string& out) : out_(out) {}

  template <field_name Name>
  void text(std::string_view value) {
    if (value.empty())
      return;
    out_.append(Name.view()).push_back('"');
    append_json_escaped(clipped(value), out_);
    out_.push_back('"');
  }
  template <field_name Name>
  void number(std::integral auto value) {
    out_.append(Name.view());
    append_number(value, out_);
  }
  template <field_name Name>
  void count(std::integral auto value) {
    if (value != 0)
      number<Name>(value);
  }
  template <field_name Name>
  void millis(nanoseconds value) {
    out_.append(Name.view());
    append_millis(value, out_);
  }

private:
  std::string& out_;
};

void append_word(std::string_view value, std::string& out) {
  if (value.empty())
    out.push_back('-');
  else
    append_console_escaped(clipped(value), out);
}

} // namespace

void request_log::append(const request_record& x, std::string& out) {
  if (format_ == log_format::json)
    append_json(x, out);
  else
    append_console(x, out);
}

void request_log::append_json(const request_record& x, std::string& out) {
  out.append(R"({"time":")").append(time_.text(x.at)).append(R"(","level":"info")");
  json_fields fields{out};
  fields.text<"request_id">(x.request_id);
  fields.text<"tenant">(x.tenant);
  fields.text<"team">(x.team);
  fields.text<"user">(x.user);
  fields.text<"key">(x.key_id);
  fields.text<"method">(x.method);
  fields.text<"route">(x.route);
  fields.number<"status">(x.status);
  if (x.error != ec::none)
    fields.text<"error">(to_string_view(x.error));
  fields.text<"model">(x.model);
  fields.text<"deployment">(x.deployment);
  fields.text<"upstream_model">(x.upstream_model);
  fields.count<"attempts">(x.attempts);
  fields.count<"fallbacks">(x.fallbacks);
  if (x.cache != cache_result::unasked)
    fields.text<"cache">(level_name(x.cache));
  if (x.origin != request_origin::caller)
    fields.text<"origin">(to_string_view(x.origin));
  if (x.share.joined)
    out.append(R"(,"joined":true)");
  fields.count<"packed">(x.share.packed);
  if (x.share.rerun)
    out.append(R"(,"pack_rerun":true)");
  fields.count<"pack_saved_tokens">(x.share.input_saved);
  if (x.handed_over)
    out.append(R"(,"handed_over":true)");
  if (x.streamed)
    fields.number<"chunks">(x.chunks);
  if (x.usage_known) {
    fields.number<"input_tokens">(x.usage.input);
    fields.count<"cache_read_tokens">(x.usage.cache_read);
    fields.count<"cache_write_tokens">(x.usage.cache_write);
    fields.number<"output_tokens">(x.usage.output);
    fields.count<"reasoning_tokens">(x.usage.reasoning);
  }
  if (x.inference)
    fields.number<"cost_nanousd">(x.cost.value);
  fields.millis<"duration_ms">(x.duration);
  if (x.attempts > 0) {
    fields.millis<"upstream_ms">(x.upstream);
    fields.millis<"overhead_ms">(overhead(x));
  }
  if (x.streamed)
    fields.millis<"first_byte_ms">(x.first_byte);
  fields.number<"request_bytes">(x.request_bytes);
  fields.number<"response_bytes">(x.response_bytes);
  out.append("}\n");
}

void request_log::append_console(const request_record& x, std::string& out) {
  out.append(time_.text(x.at)).append(" ");
  append_number(x.status, out);
  out.push_back(' ');
  append_word(x.method, out);
  out.push_back(' ');
  append_word(x.route, out);
  if (x.inference) {
    out.push_back(' ');
    append_word(x.model, out);
    if (!x.deployment.empty()) {
      out.append(" -> ");
      append_word(x.deployment, out);
    }
  }
  out.push_back(' ');
  append_millis(x.duration, out);
  out.append("ms");
  if (x.attempts > 0) {
    out.append(" added ");
    append_millis(overhead(x), out);
    out.append("ms");
  }
  if (x.attempts > 1) {
    out.append(" attempts ");
    append_number(x.attempts, out);
  }
  if (is_hit(x.cache))
    out.append(" from cache ").append(level_name(x.cache));
  if (x.origin != request_origin::caller)
    out.append(" for the cache (").append(to_string_view(x.origin)).append(")");
  if (x.share.joined)
    out.append(" joined");
  if (x.share.packed > 0) {
    out.append(" packed ");
    append_number(x.share.packed, out);
  }
  if (x.share.rerun)
    out.append(" packed in vain");
  if (x.usage_known) {
    out.append(" tokens ");
    append_number(x.usage.input_total(), out);
    out.push_back('+');
    append_number(x.usage.output_total(), out);
  }
  if (x.cost.value != 0)
    out.append(" $").append(to_usd_string(x.cost));
  if (x.error != ec::none)
    out.append(" ").append(to_string_view(x.error));
  if (!x.key_id.empty()) {
    out.append(" key ");
    append_word(x.key_id, out);
  }
  out.push_back(' ');
  append_word(x.request_id, out);
  out.push_back('\n');
}

} // namespace sluice
