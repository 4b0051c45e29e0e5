#include "actors/jobs/part_results.hpp"

#include "runtime/openai_usage.hpp"

#include <simdjson.h>

#include <algorithm>
#include <charconv>

namespace sluice {

namespace {

namespace dom = simdjson::dom;

/// As for calls that we make ourselves: what says nothing about the request may be tried elsewhere.
part_result::kind kind_of(uint64_t status) {
  if (status / 100 == 2)
    return part_result::kind::answered;
  auto ours = status / 100 == 4 && status != 401 && status != 403 && status != 404 &&
              status != 408 && status != 409 && status != 429;
  return ours ? part_result::kind::refused : part_result::kind::again;
}

std::optional<uint32_t> number_in(std::string_view text) {
  uint32_t x = 0;
  auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), x);
  if (text.empty() || error != std::errc{} || stop != text.data() + text.size())
    return std::nullopt;
  return x;
}

} // namespace

struct part_results::parsers {
  dom::parser whole;
  simdjson::ondemand::parser places;
};

part_results::part_results(uint64_t line_bytes_max)
    : line_bytes_max_(line_bytes_max), parsers_(std::make_unique<parsers>()) {}

part_results::~part_results() = default;
part_results::part_results(part_results&&) noexcept = default;
part_results& part_results::operator=(part_results&&) noexcept = default;

void part_results::restart() {
  rest_.clear();
  skipping_ = false;
}

void part_results::feed(std::string_view piece, std::vector<part_result>& into) {
  while (!piece.empty()) {
    auto end = piece.find('\n');
    auto part = piece.substr(0, end);
    if (!skipping_ && rest_.size() + part.size() > line_bytes_max_) {
      skipping_ = true;
      ++unreadable_;
      rest_.clear();
    }
    if (!skipping_)
      rest_.append(part);
    if (end == piece.npos)
      return;
    if (!std::exchange(skipping_, false))
      take(rest_, into);
    rest_.clear();
    piece.remove_prefix(end + 1);
  }
}

void part_results::finish(std::vector<part_result>& into) {
  if (!skipping_)
    take(rest_, into);
  restart();
}

void part_results::take(std::string_view line, std::vector<part_result>& into) {
  if (line.find_first_not_of(" \t\r") == line.npos)
    return;
  if (auto result = read(line))
    into.push_back(std::move(*result));
  else
    ++unreadable_;
}

std::optional<part_result> part_results::read(std::string_view line) {
  part_result result;
  simdjson::padded_string padded{line};
  dom::object root;
  dom::object response;
  dom::object body;
  dom::element usage;
  std::string_view id;
  uint64_t status = 0;
  if (parsers_->whole.parse(padded).get(root) != simdjson::SUCCESS ||
      root["custom_id"].get(id) != simdjson::SUCCESS)
    return std::nullopt;
  auto number = number_in(id);
  if (!number)
    return std::nullopt;
  result.number = *number;
  if (root["response"].get(response) != simdjson::SUCCESS ||
      response["status_code"].get(status) != simdjson::SUCCESS || status < 100 || status > 599 ||
      response["body"].get(body) != simdjson::SUCCESS)
    return result; // an error of the batch's own: expired, cancelled
  result.what = kind_of(status);
  result.status = static_cast<uint16_t>(status);
  if (result.what == part_result::kind::again)
    return result;
  if (body["usage"].get(usage) == simdjson::SUCCESS) {
    auto read = read_openai_usage(usage);
    result.usage = read.value_or(token_usage{});
    result.usage_known = read.has_value();
  }
  // A second walk for the place in the text: the body stays as it is, byte for byte.
  simdjson::ondemand::document document;
  simdjson::ondemand::object outer;
  simdjson::ondemand::object inner;
  std::string_view raw;
  auto found = parsers_->places.iterate(padded).get(document) == simdjson::SUCCESS &&
               document.get_object().get(outer) == simdjson::SUCCESS &&
               outer.find_field_unordered("response").get_object().get(inner) == simdjson::SUCCESS;
  simdjson::ondemand::object innermost;
  found = found &&
          inner.find_field_unordered("body").get_object().get(innermost) == simdjson::SUCCESS &&
          innermost.raw_json().get(raw) == simdjson::SUCCESS;
  if (!found)
    return std::nullopt;
  result.body = raw;
  return result;
}

} // namespace sluice
