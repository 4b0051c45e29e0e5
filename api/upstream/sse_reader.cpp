#include "api/upstream/sse_reader.hpp"

#include "api/upstream/failure_of.hpp"
#include "runtime/openai_usage.hpp"

#include <simdjson.h>

#include <cstring>

namespace sluice {

namespace dom = simdjson::dom;

namespace {

/// Longest event: an image as base64 in one delta is the largest thing known to come.
constexpr size_t event_bytes_max = 16 * 1024 * 1024;

/// How much is held back before the first content: providers send a role event, and proxies a
/// comment every few seconds.
constexpr size_t held_bytes_max = 64 * 1024;
constexpr uint32_t held_count_max = 64;

/// More answers than any provider takes `n`: a number beyond it is no answer's.
constexpr int64_t answers_max = 1'024;

/// The end of the first event in `bytes`, its empty line included; npos while it is not whole.
size_t event_end(std::string_view bytes, size_t from) {
  for (auto at = from;;) {
    auto* found = static_cast<const char*>(std::memchr(bytes.data() + at, '\n', bytes.size() - at));
    if (!found)
      return std::string_view::npos;
    auto lf = static_cast<size_t>(found - bytes.data());
    if (lf + 1 < bytes.size() && bytes[lf + 1] == '\n')
      return lf + 2;
    if (lf + 2 < bytes.size() && bytes[lf + 1] == '\r' && bytes[lf + 2] == '\n')
      return lf + 3;
    at = lf + 1;
    if (at >= bytes.size())
      return std::string_view::npos;
  }
}

bool filled(dom::element value) {
  if (value.is_null())
    return false;
  std::string_view text;
  if (value.get(text) == simdjson::SUCCESS)
    return !text.empty();
  dom::array list;
  if (value.get(list) == simdjson::SUCCESS)
    return list.begin() != list.end();
  return true;
}

bool filled(simdjson::simdjson_result<dom::element> x) {
  dom::element value;
  return x.get(value) == simdjson::SUCCESS && filled(value);
}

} // namespace

sse_reader::sse_reader(options x) : options_(x), parser_(std::make_unique<dom::parser>()) {
  if (options_.output_tokens_max > 0)
    counter_.emplace(options_.encoding);
}

sse_reader::~sse_reader() = default;

void sse_reader::feed(std::string_view bytes) {
  if (done_ || error_)
    return;
  if (!partial_.empty()) {
    auto from = partial_.size() > 2 ? partial_.size() - 2 : 0;
    partial_.append(bytes);
    bytes = partial_;
    auto end = event_end(bytes, from);
    if (end == std::string_view::npos) {
      if (partial_.size() > event_bytes_max)
        fail(ec::upstream_bad_response, "The upstream's stream has an event without end.");
      return;
    }
  }
  size_t at = 0;
  while (at < bytes.size() && !done_ && !error_) {
    auto end = event_end(bytes, at);
    if (end == std::string_view::npos)
      break;
    event(bytes.substr(at, end - at));
    at = end;
  }
  auto rest = done_ || error_ ? std::string{} : std::string{bytes.substr(at)};
  partial_ = std::move(rest);
}

void sse_reader::event(std::string_view whole) {
  std::string_view payload;
  auto several = false;
  auto lines = whole;
  while (!lines.empty()) {
    auto lf = lines.find('\n');
    auto one = lines.substr(0, lf);
    lines.remove_prefix(lf == std::string_view::npos ? lines.size() : lf + 1);
    if (!one.empty() && one.back() == '\r')
      one.remove_suffix(1);
    if (!one.starts_with("data:"))
      continue;
    one.remove_prefix(5);
    if (one.starts_with(' '))
      one.remove_prefix(1);
    if (payload.empty() && !several) {
      payload = one;
      several = true;
    } else { // the lines of one event are joined by line feeds, which JSON takes as white space
      scratch_ = std::string{payload} + "\n" + std::string{one};
      payload = scratch_;
    }
  }
  if (!payload.empty() && !data(payload))
    return;
  out_.append(whole);
  ++(committed_ ? out_count_ : held_count_);
  if (!committed_ && (out_.size() > held_bytes_max || held_count_ > held_count_max))
    committed_ = true;
  if (committed_)
    out_count_ += std::exchange(held_count_, 0);
}

/// True where the event is for the client.
bool sse_reader::data(std::string_view payload) {
  if (payload.starts_with("[DONE]")) {
    done_ = true;
    return false;
  }
  dom::element root;
  dom::object object;
  padded_.reserve(payload.size() + simdjson::SIMDJSON_PADDING);
  padded_.assign(payload);
  if (parser_->parse(padded_.data(), padded_.size(), false).get(root) != simdjson::SUCCESS ||
      root.get(object) != simdjson::SUCCESS) {
    fail(ec::upstream_bad_response, "The upstream sent an event that is not a JSON object.");
    return false;
  }
  dom::element x;
  if ((error_ = error_in(root)))
    return false;
  dom::array choices;
  auto empty =
      object["choices"].get(choices) == simdjson::SUCCESS && choices.begin() == choices.end();
  if (object["usage"].get(x) == simdjson::SUCCESS && !x.is_null()) {
    if (auto usage = read_openai_usage(x))
      usage_ = usage; // cumulative where it comes often: the last one counts
    if (empty)
      return options_.usage_wanted;
  }
  if (!committed_ && has_content(object))
    committed_ = true;
  if (counter_ && !within_limit(object)) {
    cut(object);
    return false;
  }
  return true;
}

/// Counts what the event adds. What a provider counts for itself and what we count may differ, as
/// other makers' vocabularies do: within a quarter and a few tokens it is the provider that stops.
bool sse_reader::within_limit(const dom::object& root) {
  dom::array choices;
  if (root["choices"].get(choices) != simdjson::SUCCESS)
    return true;
  for (auto choice : choices) {
    int64_t index = 0;
    if (choice["index"].get(index) != simdjson::SUCCESS || index < 0 || index > answers_max)
      continue;
    answers_.insert(index);
    std::string_view text;
    if (choice["text"].get(text) == simdjson::SUCCESS)
      counter_->add(text);
    dom::element delta;
    if (choice["delta"].get(delta) == simdjson::SUCCESS)
      counter_->add(delta);
    if (filled(choice["finish_reason"]))
      answers_.erase(index);
  }
  auto max = options_.output_tokens_max;
  return !counter_->beyond(max + max / 4 + 16);
}

/// Ends all answers in place of the event `root`, as the provider would have had to.
void sse_reader::cut(const dom::object& root) {
  auto chat = options_.kind == endpoint::chat_completions;
  std::string event = "data: {";
  for (auto* name : {"id", "object", "created", "model"}) {
    dom::element value;
    if (root[name].get(value) == simdjson::SUCCESS)
      event += "\"" + std::string{name} + "\":" + simdjson::minify(value) + ",";
  }
  event += "\"choices\":[";
  for (auto index : answers_)
    event += std::string{index == *answers_.begin() ? "" : ","} +
             "{\"index\":" + std::to_string(index) + (chat ? ",\"delta\":{}" : ",\"text\":\"\"") +
             ",\"finish_reason\":\"length\"}";
  out_ += event + "]}\n\n";
  ++(committed_ ? out_count_ : held_count_);
  done_ = cut_ = true;
}

bool sse_reader::has_content(const dom::object& root) const {
  dom::array choices;
  if (root["choices"].get(choices) != simdjson::SUCCESS)
    return true; // a shape that we do not know is the client's to read
  for (auto choice : choices) {
    if (filled(choice["finish_reason"]) || filled(choice["text"]))
      return true;
    dom::object delta;
    if (choice["delta"].get(delta) != simdjson::SUCCESS)
      continue;
    for (auto [key, value] : delta)
      if (key != "role" && filled(value))
        return true;
  }
  return false;
}

std::string sse_reader::take(uint32_t& count) {
  count = 0;
  if (!committed_ && !done_)
    return {};
  count = std::exchange(out_count_, 0) + std::exchange(held_count_, 0);
  return std::exchange(out_, {});
}

void sse_reader::fail(ec code, std::string message) {
  failure why;
  why.code = code;
  why.message = std::move(message);
  error_ = std::move(why);
}

} // namespace sluice
