#include "api/http/request_parser.hpp"
#include "tests/fuzz/fuzz_target.hpp"

#include <algorithm>
#include <vector>

/// Reads the input as what a connection receives: once as a whole, once in small pieces. Both must
/// come to the same end, and a head that is taken must leave no room for two readings: that is how
/// requests are smuggled past a gateway.
namespace sluice::fuzz {

namespace {

/// How far a request was read, and what was made of it.
struct outcome {
  enum class end : uint8_t { more, taken, refused };
  end at = end::more;
  std::string head;
  std::string body;
  size_t left = 0; ///< bytes behind the request
  body_framing framing = body_framing::none;
  bool views_inside = true;
};

bool inside(std::string_view part, const std::string& whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

/// Does what a connection does with what it receives, `piece` bytes at a time.
outcome read(std::string_view bytes, size_t piece) {
  limit_settings limits;
  limits.header_bytes_max = 2'048; // within reach of the inputs that a fuzzer makes
  limits.body_bytes_max = 1'024;
  outcome result;
  std::string in;
  size_t scanned = 0;
  http_request request;
  request_head head;
  std::optional<chunked_body> chunks;
  while (!bytes.empty()) {
    in.append(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    if (request.head.empty()) {
      auto size = head_size(in, scanned);
      if (size == 0 && in.size() <= limits.header_bytes_max)
        continue;
      result.at = outcome::end::refused;
      if (size == 0 || size > limits.header_bytes_max)
        return result;
      request.head = in.substr(0, size);
      in.erase(0, size);
      if (parse_head(request, head, limits))
        return result;
      result.at = outcome::end::more;
      result.head = request.head;
      result.framing = head.framing;
      result.views_inside =
          inside(request.method, request.head) && inside(request.target, request.head);
      for (auto& [name, value] : request.fields)
        result.views_inside =
            result.views_inside && inside(name, request.head) && inside(value, request.head);
      if (head.framing == body_framing::chunked)
        chunks.emplace(limits, result.body);
    }
    auto done = head.framing == body_framing::none;
    if (head.framing == body_framing::length && in.size() >= head.content_length) {
      result.body = in.substr(0, head.content_length);
      in.erase(0, head.content_length);
      done = true;
    } else if (head.framing == body_framing::chunked) {
      auto progress = chunks->put(in);
      in.erase(0, progress.consumed);
      done = progress.done;
      if (progress.refusal) {
        result.at = outcome::end::refused;
        return result;
      }
    }
    if (done) {
      result.at = outcome::end::taken;
      result.left = in.size() + bytes.size();
      return result;
    }
  }
  return result;
}

violation differs(const outcome& whole, const outcome& pieces) {
  if (whole.at != pieces.at)
    return "pieces come to another end than the whole";
  // Of a refused request nothing is used, and where exactly it was refused may differ.
  if (whole.at != outcome::end::taken)
    return std::nullopt;
  if (whole.head != pieces.head || whole.body != pieces.body || whole.left != pieces.left)
    return "pieces give another request than the whole";
  return std::nullopt;
}

/// The name of a header line, in lower case.
std::string name_of(std::string_view line) {
  std::string result{line.substr(0, line.find(':'))};
  std::transform(result.begin(), result.end(), result.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return result;
}

/// What RFC 9112 forbids in a head because two servers could read it in two ways. Deliberately not
/// written with the parser's own means.
violation ambiguous(std::string_view head, body_framing framing) {
  size_t lengths = 0;
  size_t encodings = 0;
  auto first = true;
  while (!head.empty()) {
    auto end = head.find('\n');
    if (end == std::string_view::npos || end == 0 || head[end - 1] != '\r')
      return "a line does not end in CRLF";
    auto line = head.substr(0, end - 1);
    head.remove_prefix(end + 1);
    if (line.find_first_of(std::string_view{"\r\0", 2}) != std::string_view::npos)
      return "a CR or NUL inside a line";
    if (first || line.empty()) {
      first = false;
      continue;
    }
    if (line.front() == ' ' || line.front() == '\t')
      return "a folded line";
    auto name = name_of(line);
    if (name.empty() || name.size() == line.size())
      return "a line without a name";
    if (name.find_first_of(" \t") != std::string::npos)
      return "white space in a name";
    lengths += name == "content-length" ? 1 : 0;
    encodings += name == "transfer-encoding" ? 1 : 0;
  }
  if (lengths + encodings > 1)
    return "two fields that frame the body";
  if ((encodings == 1) != (framing == body_framing::chunked))
    return "Transfer-Encoding that does not frame the body";
  return std::nullopt;
}

violation check(const outcome& whole, const outcome& pieces) {
  if (auto found = differs(whole, pieces))
    return found;
  if (!whole.views_inside)
    return "a view outside the head";
  return whole.head.empty() ? std::nullopt : ambiguous(whole.head, whole.framing);
}

void canary() {
  struct known {
    const char* what;
    const char* head;
    body_framing framing;
  };
  constexpr auto length = body_framing::length;
  constexpr auto chunked = body_framing::chunked;
  for (auto& bad : std::vector<known>{
           {"CL with TE",
            "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", chunked},
           {"two CLs", "POST / HTTP/1.1\r\nContent-Length: 1\r\ncontent-length: 2\r\n\r\n", length},
           {"TE read over", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", length},
           {"bare LF", "POST / HTTP/1.1\nContent-Length: 1\r\n\r\n", length},
           {"folding", "POST / HTTP/1.1\r\na: b\r\n c: d\r\n\r\n", length},
           {"space before the colon", "POST / HTTP/1.1\r\nContent-Length : 1\r\n\r\n", length}})
    expect_found(ambiguous(bad.head, bad.framing), bad.what);
  outcome one;
  one.at = outcome::end::taken;
  auto other = one;
  other.body = "x";
  expect_found(check(one, other), "another body from pieces");
  other = one;
  other.left = 1;
  expect_found(check(one, other), "another end of the request from pieces");
}

} // namespace

} // namespace sluice::fuzz

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  sluice::fuzz::canary();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sluice::fuzz;
  choices input{data, size};
  auto piece = size_t{input.take()} % 16 + 1;
  auto bytes = input.rest();
  expect_none(check(read(bytes, bytes.size() + 1), read(bytes, piece)));
  return 0;
}
