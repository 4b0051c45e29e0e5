#pragma once

#include <openssl/crypto.h>

#include <ostream>
#include <string>
#include <string_view>
#include <utility>

namespace sluice {

/// A string that is never shown: it has no conversion to text but `reveal`, prints as asterisks,
/// and is wiped when it ends.
class secret {
public:
  secret() = default;
  explicit secret(std::string value) : value_(std::move(value)) {}
  secret(const secret&) = default;
  secret& operator=(const secret&) = default;
  secret(secret&& other) noexcept : value_(other.value_) { other.wipe(); }
  secret& operator=(secret&& other) noexcept {
    if (this != &other) {
      wipe();
      value_ = other.value_;
      other.wipe();
    }
    return *this;
  }
  ~secret() { wipe(); }

  bool empty() const { return value_.empty(); }
  /// For the one place that puts it on the wire.
  std::string_view reveal() const { return value_; }

  friend std::ostream& operator<<(std::ostream& out, const secret&) { return out << "***"; }

private:
  void wipe() {
    if (!value_.empty())
      OPENSSL_cleanse(value_.data(), value_.size());
    value_.clear();
  }

  std::string value_;
};

} // namespace sluice
