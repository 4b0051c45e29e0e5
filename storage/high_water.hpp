#pragma once

#include <caf/error.hpp>
#include <caf/expected.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace sluice {

/// How far a database has come, in a small file beside it. A log whose tail is torn opens without a
/// word, as a write that nobody was told about leaves one; this number tells when somebody was.
///
/// The file is `HIGH_WATER` in the database's folder: 20 decimal digits and a line end. It is
/// written behind every commit and not synced, for that would cost each commit another wait on the
/// disk. When the machine loses power the number may be an earlier one, which notices less, and
/// never a later one, for it is written after what it tells of was synced.
class high_water {
public:
  /// The number in the folder's file; empty where there is no file. Fails with `storage_failed`
  /// where it cannot be read or is none.
  static caf::expected<std::optional<uint64_t>> read(const std::string& folder);
  /// Opens the file, and makes it where there is none, with this number in it, on the disk. Fails
  /// with `storage_failed`.
  static caf::expected<high_water> open(const std::string& folder, uint64_t number);

  high_water() = default;
  ~high_water();
  high_water(high_water&& x) noexcept : file_(std::exchange(x.file_, -1)) {}
  high_water& operator=(high_water&& x) noexcept {
    std::swap(file_, x.file_);
    return *this;
  }

  /// Fails with `storage_failed`.
  caf::error write(uint64_t number);

private:
  int file_ = -1;
};

} // namespace sluice
