#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace sluice {

/// Metric handles by combination of labels. prometheus-cpp's own look-up builds a map of strings
/// and takes a lock, which costs microseconds a request; here one hash over a reused buffer does.
template <class Handles>
class label_table {
public:
  /// More combinations than any real catalogue has in use (20 models × 10 outcomes × 10 routes),
  /// while at some 2 KiB a combination the table stays under 4 MiB whatever callers send.
  static constexpr size_t combinations_max = 2'000;

  explicit label_table(size_t max = combinations_max) : max_(max) {}

  /// Starts the key of a look-up.
  void begin_key() { key_.clear(); }
  /// Adds a label's value; the length keeps ("ab", "c") and ("a", "bc") apart.
  void add_key(std::string_view value) {
    add_key(static_cast<uint32_t>(value.size()));
    key_.append(value);
  }
  void add_key(uint32_t value) {
    const char bytes[4] = {static_cast<char>(value), static_cast<char>(value >> 8),
                           static_cast<char>(value >> 16), static_cast<char>(value >> 24)};
    key_.append(bytes, sizeof bytes);
  }

  /// The handles of the key; `make` is asked once for each key. Null where the table is full.
  template <class Make>
  Handles* find(Make&& make) {
    if (auto i = handles_.find(key_); i != handles_.end())
      return &i->second;
    if (handles_.size() >= max_)
      return nullptr;
    return &handles_.emplace(key_, std::forward<Make>(make)()).first->second;
  }

  size_t size() const { return handles_.size(); }

private:
  size_t max_;
  std::string key_;
  std::unordered_map<std::string, Handles> handles_;
};

} // namespace sluice
