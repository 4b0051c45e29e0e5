#pragma once

#include "api/upstream/output_counter.hpp"
#include "runtime/json_names.hpp"
#include "runtime/messages.hpp"

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace sluice {

/// Reads a provider's stream of server-sent events in OpenAI's format: keeps whole events for the
/// client, takes out what is not for it, notices usage, errors and the end. Actor-free.
class sse_reader {
public:
  struct options {
    endpoint kind = endpoint::chat_completions;
    bool usage_wanted = false; ///< the usage event goes to the client
    /// Of all answers together: beyond it the stream ends with finish_reason "length", whatever
    /// else comes. 0 where nothing is counted.
    int64_t output_tokens_max = 0;
    token_encoding encoding = token_encoding::o200k_base;
  };

  explicit sse_reader(options x);
  ~sse_reader();

  /// Reads `bytes`. Does nothing after the end or an error.
  void feed(std::string_view bytes);

  /// Content has come: from here on events are handed out, and what goes wrong can only be told in
  /// the stream. Before, role and keep-alive events are held back, so that a call which dies on
  /// them can still be made elsewhere.
  bool committed() const { return committed_; }

  /// Takes what may be handed out: whole events, terminators included.
  std::string take(uint32_t& count);

  /// `data: [DONE]` has come.
  bool done() const { return done_; }
  /// The stream was ended by us, as it passed its limit; `done` is true then, too.
  bool cut() const { return cut_; }
  /// What we count of the output, where there is a limit.
  int64_t output_tokens() { return counter_ ? counter_->count() : 0; }
  /// An error object in the stream, an event that is not JSON, or more bytes in one event than any
  /// model makes.
  const std::optional<failure>& error() const { return error_; }
  const std::optional<token_usage>& usage() const { return usage_; }

private:
  void event(std::string_view whole);
  bool data(std::string_view payload);
  bool has_content(const simdjson::dom::object& root) const;
  bool within_limit(const simdjson::dom::object& root);
  void cut(const simdjson::dom::object& root);
  void fail(ec code, std::string message);

  options options_;
  std::string partial_; // of an event
  std::string out_;
  uint32_t out_count_ = 0;
  uint32_t held_count_ = 0;
  std::string scratch_; // the payload of an event with several data lines
  std::string padded_;  // a payload with the room behind it that simdjson needs
  bool committed_ = false;
  bool done_ = false;
  bool cut_ = false;
  std::optional<output_counter> counter_;
  std::set<int64_t> answers_; // that have begun and not ended; kept where there is a limit
  std::optional<failure> error_;
  std::optional<token_usage> usage_;
  std::unique_ptr<simdjson::dom::parser> parser_;
};

} // namespace sluice
