#pragma once

#include "runtime/money.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// What a provider's output or error file says of one line.
struct part_result {
  enum class kind : uint8_t {
    answered,
    refused, ///< the request itself is wrong: nobody else would answer it
    again,   ///< the provider's own trouble: it may be executed elsewhere
  };
  uint32_t number = 0; ///< our number of the line
  kind what = kind::again;
  uint16_t status = 0;
  std::string body; ///< JSON as it came; of `answered` and `refused`
  token_usage usage;
  bool usage_known = false;
};

/// Reads an output or error file as it comes in pieces. Lines that cannot be read, that are not
/// ours, or that are longer than the limit are passed over: they count as not answered.
class part_results {
public:
  explicit part_results(uint64_t line_bytes_max);
  ~part_results();
  part_results(part_results&&) noexcept;
  part_results& operator=(part_results&&) noexcept;

  /// Adds the results of the lines that are whole now.
  void feed(std::string_view piece, std::vector<part_result>& into);
  /// The file has ended: its last line may have no end.
  void finish(std::vector<part_result>& into);
  /// From the beginning again.
  void restart();
  /// Lines that were passed over.
  uint32_t unreadable() const { return unreadable_; }

private:
  struct parsers;

  void take(std::string_view line, std::vector<part_result>& into);
  std::optional<part_result> read(std::string_view line);

  uint64_t line_bytes_max_;
  std::unique_ptr<parsers> parsers_;
  std::string rest_; ///< of the last piece: the beginning of a line
  bool skipping_ = false;
  uint32_t unreadable_ = 0;
};

} // namespace sluice
