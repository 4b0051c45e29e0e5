#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::bench {

/// All that the instant upstream ever says, made once: an answer costs it no formatting and no
/// copy.
class canned_answers {
public:
  canned_answers();

  /// A whole chat completion of about 1 KB with usage, head included.
  std::string_view reply() const { return reply_; }
  /// The head of a stream and its first event, which names the role.
  std::string_view stream_begin() const { return stream_begin_; }
  /// `count` content events of a long answer, the first being the `at`th; at most
  /// `contiguous_max(at)` of them.
  std::string_view content(uint32_t at, uint32_t count) const;
  /// How many content events lie side by side from the `at`th on.
  uint32_t contiguous_max(uint32_t at) const;
  /// The finish reason, the usage where it is wanted, and the end.
  std::string_view stream_end(bool usage_wanted) const {
    return usage_wanted ? stream_end_with_usage_ : stream_end_;
  }

private:
  std::string reply_;
  std::string stream_begin_;
  std::string content_;
  std::vector<size_t> offsets_; ///< of the events in `content_`, and its size
  std::string stream_end_;
  std::string stream_end_with_usage_;
};

} // namespace sluice::bench
