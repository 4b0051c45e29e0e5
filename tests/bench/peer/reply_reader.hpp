#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::bench {

/// Reads one HTTP/1.1 reply after the other from one connection, in whatever pieces it comes, and
/// keeps of it only what is checked. Knows what a gateway may answer here: a body with
/// Content-Length or in chunks.
class reply_reader {
public:
  enum class state {
    more,     ///< the reply is not over
    complete, ///< it is over; the figures stand until the next call of `feed`
    broken,   ///< it is no HTTP, or more came than was asked for
  };

  /// Takes what was received.
  state feed(std::string_view bytes);

  int status() const { return status_; }
  /// Of the body, chunk framing taken off.
  uint64_t body_bytes() const { return body_bytes_; }
  /// Lines of the body that begin with "data:", so far.
  uint64_t events() const { return events_; }
  /// The body ends with the event that ends OpenAI's streams.
  bool ended_with_done() const { return tail_ == "data: [DONE]\n\n"; }
  /// The reply forbids to use its connection again.
  bool closes() const { return closes_; }

private:
  enum class part { head, body, chunk_size, chunk_data, chunk_end, trailer };

  state take_head(std::string_view& bytes);
  state take_chunks(std::string_view& bytes);
  bool read_head();
  void take_body(std::string_view bytes);
  /// Collects a line of chunk framing; true when it is whole.
  bool take_line(std::string_view& bytes);
  void reset();

  part part_ = part::head;
  bool over_ = false;
  std::string head_;
  std::string line_;
  std::string tail_;
  uint64_t left_ = 0;
  int status_ = 0;
  bool chunked_ = false;
  bool closes_ = false;
  uint64_t body_bytes_ = 0;
  uint64_t events_ = 0;
  bool at_line_start_ = true;
};

} // namespace sluice::bench
