#pragma once

#include "runtime/ec.hpp"

#include <caf/expected.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

/// How values stand in the store: a version byte, then the fields one behind the other in msgpack.
/// Fields are only ever appended: a reader leaves the fields at their defaults that an older writer
/// did not know, and skips those of a newer one. What cannot be told so gets the next version.
namespace sluice {

class record_writer {
public:
  explicit record_writer(uint8_t version);

  void operator()(const std::string& x);
  void operator()(uint64_t x);
  void operator()(int64_t x);
  void operator()(uint32_t x) { (*this)(uint64_t{x}); }
  void operator()(const std::vector<std::string>& x);
  template <class Enum>
  requires std::is_enum_v<Enum>
  void operator()(Enum x) { (*this)(static_cast<uint64_t>(x)); }

  std::string take() { return std::move(bytes_); }

private:
  std::string bytes_;
};

class record_reader {
public:
  /// `bytes` must outlive the reader.
  record_reader(std::string_view bytes, uint8_t version);

  void operator()(std::string& x);
  void operator()(uint64_t& x);
  void operator()(int64_t& x);
  void operator()(uint32_t& x) {
    uint64_t wide = x;
    (*this)(wide);
    x = static_cast<uint32_t>(wide);
  }
  void operator()(std::vector<std::string>& x);
  template <class Enum>
  requires std::is_enum_v<Enum>
  void operator()(Enum& x) {
    auto number = static_cast<uint64_t>(x);
    (*this)(number);
    x = static_cast<Enum>(number);
  }

  /// What went wrong so far: `storage_failed`, saying whether the version is one that this program
  /// does not know or the bytes are damaged.
  const caf::error& error() const { return error_; }

private:
  template <class T>
  void read(T& x);
  void fail(std::string why);

  std::string_view bytes_;
  size_t at_ = 1;
  caf::error error_;
};

} // namespace sluice
