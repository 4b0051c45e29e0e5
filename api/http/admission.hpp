#pragma once

#include "runtime/configuration.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace sluice {

/// What all loops of a node count together, so that limits hold for the node and not for each loop.
/// Thread-safe.
class http_admission {
public:
  explicit http_admission(const limit_settings& limits) : limits_(limits) {}

  /// A connection from `address` came; false where it is one too many, then nothing was counted.
  bool open_connection(const std::string& address);
  void close_connection(const std::string& address);

  /// A request wants to be worked on; false where it is one too many, then nothing was counted.
  bool begin_request();
  void end_request() { in_flight_.fetch_sub(1, std::memory_order_relaxed); }

  /// `bytes` of bodies are being held; false where the node holds too many already, then nothing
  /// was counted.
  bool hold_body(uint64_t bytes);
  void release_body(uint64_t bytes) { body_bytes_.fetch_sub(bytes, std::memory_order_relaxed); }

  uint32_t in_flight() const { return in_flight_.load(std::memory_order_relaxed); }
  uint32_t connections() const { return connections_.load(std::memory_order_relaxed); }

private:
  const limit_settings limits_;
  std::atomic<uint32_t> in_flight_{0};
  std::atomic<uint32_t> connections_{0};
  std::atomic<uint64_t> body_bytes_{0};
  std::mutex mutex_; // once a connection, not once a request
  std::unordered_map<std::string, uint32_t> by_address_;
};

using http_admission_ptr = std::shared_ptr<http_admission>;

} // namespace sluice
