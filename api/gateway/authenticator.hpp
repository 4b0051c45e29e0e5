#pragma once

#include "api/gateway/rate_limit.hpp"
#include "runtime/configuration.hpp"

#include <caf/expected.hpp>

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sluice {

/// A virtual key: who its bearer is and what it may do.
struct virtual_key {
  explicit virtual_key(const key_settings& x) : settings(x), limiter(x.requests_per_minute) {}

  key_settings settings;
  rate_limiter limiter;

  /// Whether it may ask for `model`.
  bool allows(const std::string& model) const;
};

/// Knows the virtual keys by their SHA-256: keys have 256 random bits, so a plain hash cannot be
/// guessed back, and looking up a digest tells an attacker nothing by its timing. Thread-safe.
class authenticator {
public:
  /// Without keys everybody is let in, as tenant "default".
  explicit authenticator(const std::vector<key_settings>& keys);

  bool open() const { return open_; }

  /// Finds the key in an `Authorization` field ("Bearer sk-…") or, where that is empty, an
  /// `x-api-key` field. Fails with `unauthenticated`, saying what is wrong, never what was sent.
  /// The pointer lives as long as the authenticator.
  caf::expected<virtual_key*> authenticate(std::string_view authorization,
                                           std::string_view api_key) const;

  /// The key called so; null where there is none. Lives as long as the authenticator.
  virtual_key* find(std::string_view id) const;

private:
  using digest = std::array<unsigned char, 32>;
  struct digest_hash {
    size_t operator()(const digest& x) const;
  };

  bool open_;
  std::unordered_map<digest, std::unique_ptr<virtual_key>, digest_hash> keys_;
  std::unique_ptr<virtual_key> anybody_;
};

using authenticator_ptr = std::shared_ptr<authenticator>;

} // namespace sluice
