#include "tests/bench/peer/reply_reader.hpp"

#include "tests/bench/peer/http_text.hpp"

#include <algorithm>
#include <charconv>

namespace sluice::bench {

namespace {

/// Longer than the head of any reply here; a gateway that sends more is broken.
constexpr size_t head_bytes_max = 16 * 1024;
constexpr std::string_view done_event = "data: [DONE]\n\n";

} // namespace

reply_reader::state reply_reader::feed(std::string_view bytes) {
  if (over_)
    reset();
  auto result = part_ == part::head ? take_head(bytes) : state::more;
  if (result == state::more && part_ == part::body) {
    auto size = std::min<uint64_t>(left_, bytes.size());
    take_body(bytes.substr(0, size));
    bytes.remove_prefix(size);
    left_ -= size;
    if (left_ == 0)
      result = state::complete;
  } else if (result == state::more && part_ != part::head) {
    result = take_chunks(bytes);
  }
  // One request is in work at a time, so nothing may follow its reply.
  if (result == state::complete && !bytes.empty())
    return state::broken;
  over_ = result == state::complete;
  return result;
}

reply_reader::state reply_reader::take_head(std::string_view& bytes) {
  auto searched = head_.size() < 3 ? 0 : head_.size() - 3;
  auto before = head_.size();
  head_.append(bytes.substr(0, head_bytes_max));
  auto end = head_.find("\r\n\r\n", searched);
  if (end == std::string::npos) {
    bytes = {};
    return head_.size() >= head_bytes_max ? state::broken : state::more;
  }
  bytes.remove_prefix(end + 4 - before);
  head_.resize(end + 2);
  if (!read_head())
    return state::broken;
  part_ = chunked_ ? part::chunk_size : part::body;
  return state::more;
}

bool reply_reader::read_head() {
  std::string_view head = head_;
  if (!head.starts_with("HTTP/1.1 ") || head.size() < 12)
    return false;
  auto digits = head.substr(9, 3);
  if (std::from_chars(digits.data(), digits.data() + 3, status_).ptr != digits.data() + 3)
    return false;
  auto length = field(head, "content-length");
  chunked_ = field(head, "transfer-encoding") == "chunked";
  closes_ = field(head, "connection") == "close";
  if (chunked_)
    return length.empty();
  auto end = length.data() + length.size();
  return !length.empty() && std::from_chars(length.data(), end, left_).ptr == end;
}

reply_reader::state reply_reader::take_chunks(std::string_view& bytes) {
  while (!bytes.empty()) {
    if (part_ == part::chunk_data) {
      auto size = std::min<uint64_t>(left_, bytes.size());
      take_body(bytes.substr(0, size));
      bytes.remove_prefix(size);
      left_ -= size;
      if (left_ == 0)
        part_ = part::chunk_end;
      continue;
    }
    if (!take_line(bytes))
      return line_.size() > head_bytes_max ? state::broken : state::more;
    if (part_ == part::chunk_size) {
      auto end = line_.data() + line_.size();
      auto [digits_end, error] = std::from_chars(line_.data(), end, left_, 16);
      if (error != std::errc{} || (digits_end != end && *digits_end != ';'))
        return state::broken;
      part_ = left_ == 0 ? part::trailer : part::chunk_data;
    } else if (part_ == part::chunk_end) {
      if (!line_.empty())
        return state::broken;
      part_ = part::chunk_size;
    } else if (line_.empty()) {
      return state::complete;
    }
    line_.clear();
  }
  return state::more;
}

bool reply_reader::take_line(std::string_view& bytes) {
  auto end = bytes.find('\n');
  if (end == std::string_view::npos) {
    line_.append(bytes);
    bytes = {};
    return false;
  }
  line_.append(bytes.substr(0, end));
  bytes.remove_prefix(end + 1);
  if (line_.ends_with('\r'))
    line_.pop_back();
  return true;
}

void reply_reader::take_body(std::string_view bytes) {
  if (bytes.empty())
    return;
  body_bytes_ += bytes.size();
  if (bytes.size() >= done_event.size()) {
    tail_.assign(bytes.substr(bytes.size() - done_event.size()));
  } else {
    tail_.append(bytes);
    if (tail_.size() > done_event.size())
      tail_.erase(0, tail_.size() - done_event.size());
  }
  if (!chunked_)
    return;
  // The events hold no line breaks of their own and no other field of server-sent events begins
  // with a 'd', so the first byte of a line tells it. Jumping from line to line costs a hundredth
  // of a parser.
  while (!bytes.empty()) {
    if (at_line_start_ && bytes.front() == 'd')
      ++events_;
    auto end = bytes.find('\n');
    at_line_start_ = end != std::string_view::npos;
    bytes.remove_prefix(at_line_start_ ? end + 1 : bytes.size());
  }
}

void reply_reader::reset() {
  part_ = part::head;
  over_ = false;
  head_.clear();
  line_.clear();
  tail_.clear();
  left_ = 0;
  status_ = 0;
  body_bytes_ = 0;
  events_ = 0;
  at_line_start_ = true;
}

} // namespace sluice::bench
