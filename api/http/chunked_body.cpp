#include "api/http/chunked_body.hpp"

#include "runtime/hex.hpp"

#include <algorithm>
#include <utility>

namespace sluice {

namespace {

/// Longest chunk extension that is read over. Nobody uses them; attackers make them long.
constexpr size_t chunk_extension_max = 256;

/// Digits of a chunk's size, leading zeros included: as many as 64 bits have.
constexpr uint32_t digits_max = 16;

constexpr http_refusal malformed{ec::malformed_http, "the chunked body is malformed"};
constexpr http_refusal endless{ec::malformed_http, "a chunk header or trailer without end"};
constexpr http_refusal too_large{ec::body_too_large, "the body is larger than the limit"};

/// What may stand in an extension or a line of the trailer: anything but control characters.
bool is_text(char c) {
  auto x = static_cast<unsigned char>(c);
  return c == '\t' || (x >= 0x20 && x != 0x7f);
}

} // namespace

chunked_body::chunked_body(const limit_settings& limits, std::string& body)
    : body_bytes_max_(limits.body_bytes_max), trailer_bytes_max_(limits.header_bytes_max),
      body_(body) {}

chunked_body::progress chunked_body::put(std::string_view bytes) {
  progress result;
  while (result.consumed < bytes.size() && at_ != place::done) {
    if (at_ == place::data) {
      auto part = std::min<uint64_t>(left_, bytes.size() - result.consumed);
      body_.append(bytes.substr(result.consumed, part));
      result.consumed += part;
      left_ -= part;
      if (left_ == 0)
        at_ = place::data_cr;
    } else if ((result.refusal = take(bytes[result.consumed++]))) {
      return result;
    }
  }
  result.done = at_ == place::done;
  return result;
}

std::optional<http_refusal> chunked_body::take(char c) {
  auto expect = [&](char wanted, place next) -> std::optional<http_refusal> {
    at_ = next;
    return c == wanted ? std::nullopt : std::optional{malformed};
  };
  switch (at_) {
  case place::size:
    return take_size(c);
  case place::extension:
    if (c == '\r')
      return expect('\r', place::size_end);
    if (++extension_bytes_ > chunk_extension_max)
      return endless;
    return is_text(c) ? std::nullopt : std::optional{malformed};
  case place::size_end:
    return expect('\n', left_ > 0 ? place::data : place::trailer);
  case place::data_cr:
    return expect('\r', place::data_lf);
  case place::data_lf:
    digits_ = 0;
    extension_bytes_ = 0;
    return expect('\n', place::size);
  case place::trailer:
  case place::trailer_line:
    return take_trailer(c);
  case place::trailer_lf:
    return expect('\n', place::trailer);
  case place::last_lf:
    return expect('\n', place::done);
  case place::data:
  case place::done:
    break;
  }
  return malformed;
}

std::optional<http_refusal> chunked_body::take_size(char c) {
  if (auto digit = hex_digit(c); digit >= 0) {
    if (++digits_ > digits_max)
      return malformed;
    left_ = left_ * 16 + static_cast<uint64_t>(digit);
    return std::nullopt;
  }
  if (digits_ == 0)
    return malformed;
  if (left_ > body_bytes_max_ - std::min<uint64_t>(body_.size(), body_bytes_max_))
    return too_large;
  if (c == ';') {
    at_ = place::extension;
    ++extension_bytes_;
    return std::nullopt;
  }
  at_ = place::size_end;
  return c == '\r' ? std::nullopt : std::optional{malformed};
}

/// The fields of the trailer are read over: nothing that frames or authorises may come so late.
std::optional<http_refusal> chunked_body::take_trailer(char c) {
  if (++trailer_bytes_ > trailer_bytes_max_)
    return endless;
  if (c == '\r') {
    auto ends = at_ == place::trailer;
    at_ = ends ? place::last_lf : place::trailer_lf;
    return ends || std::exchange(named_, false) ? std::nullopt : std::optional{malformed};
  }
  // A folded line, or one that begins with its colon, belongs to no field.
  if (!is_text(c) || (at_ == place::trailer && (c == ' ' || c == '\t' || c == ':')))
    return malformed;
  at_ = place::trailer_line;
  named_ = named_ || c == ':';
  return std::nullopt;
}

} // namespace sluice
