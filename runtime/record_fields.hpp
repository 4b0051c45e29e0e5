#pragma once

#include "runtime/money.hpp"
#include "runtime/record.hpp"
#include "runtime/time.hpp"

#include <optional>
#include <string>
#include <vector>

/// Teaches records the types of the ledger. A list of fields is one function template over both, so
/// that what is written and what is read cannot differ.
namespace sluice {

class field_writer {
public:
  explicit field_writer(uint8_t version) : to_(version) {}

  void operator()(const std::string& x) { to_(x); }
  void operator()(uint64_t x) { to_(x); }
  void operator()(uint32_t x) { to_(x); }
  void operator()(bool x) { to_(uint64_t{x}); }
  void operator()(nanousd x) { to_(x.value); }
  void operator()(wall_time x) {
    using std::chrono::nanoseconds;
    to_(int64_t{std::chrono::duration_cast<nanoseconds>(x.time_since_epoch()).count()});
  }
  void operator()(std::chrono::sys_days x) { to_(int64_t{x.time_since_epoch().count()}); }
  void operator()(const token_usage& x) {
    for (auto tokens : {x.input, x.cache_read, x.cache_write, x.output, x.reasoning})
      to_(tokens);
  }
  void operator()(std::optional<nanousd> x) {
    (*this)(x.has_value());
    (*this)(x.value_or(nanousd{}));
  }
  /// A text of four bytes a number, so that no count can claim more than there is.
  void operator()(const std::vector<uint32_t>& x) {
    std::string bytes;
    for (auto number : x)
      for (int shift = 24; shift >= 0; shift -= 8)
        bytes.push_back(static_cast<char>(number >> shift & 0xff));
    to_(bytes);
  }
  template <class Enum>
  requires std::is_enum_v<Enum>
  void choice(Enum x, Enum) { to_(x); }

  std::string take() { return to_.take(); }

private:
  record_writer to_;
};

/// Fields that an older writer did not know stay as they are.
class field_reader {
public:
  field_reader(std::string_view bytes, uint8_t version) : from_(bytes, version) {}

  void operator()(std::string& x) { from_(x); }
  void operator()(uint64_t& x) { from_(x); }
  void operator()(uint32_t& x) {
    uint64_t wide = x;
    from_(wide);
    expect(wide <= UINT32_MAX);
    x = static_cast<uint32_t>(wide);
  }
  void operator()(bool& x) {
    uint64_t number = x;
    from_(number);
    expect(number <= 1);
    x = number != 0;
  }
  void operator()(nanousd& x) { from_(x.value); }
  void operator()(wall_time& x) {
    using std::chrono::nanoseconds;
    int64_t count = std::chrono::duration_cast<nanoseconds>(x.time_since_epoch()).count();
    from_(count);
    x = wall_time{std::chrono::duration_cast<wall_time::duration>(nanoseconds{count})};
  }
  void operator()(std::chrono::sys_days& x) {
    int64_t count = x.time_since_epoch().count();
    from_(count);
    // What calendars can tell; a day beyond would overflow as a time.
    constexpr int64_t far = 100'000;
    expect(count >= -far && count <= far);
    x = std::chrono::sys_days{std::chrono::days{sound_ ? count : 0}};
  }
  void operator()(token_usage& x) {
    for (auto* tokens : {&x.input, &x.cache_read, &x.cache_write, &x.output, &x.reasoning})
      from_(*tokens);
  }
  void operator()(std::optional<nanousd>& x) {
    auto has = x.has_value();
    auto value = x.value_or(nanousd{});
    (*this)(has);
    (*this)(value);
    x = has ? std::optional{value} : std::nullopt;
  }
  void operator()(std::vector<uint32_t>& x) {
    std::string bytes;
    from_(bytes);
    expect(bytes.size() % 4 == 0);
    x.clear();
    for (size_t i = 0; i + 4 <= bytes.size(); i += 4) {
      uint32_t number = 0;
      for (auto c : std::string_view{bytes}.substr(i, 4))
        number = number << 8 | static_cast<unsigned char>(c);
      x.push_back(number);
    }
  }
  /// `last` is the last enumerator that this program knows.
  template <class Enum>
  requires std::is_enum_v<Enum>
  void choice(Enum& x, Enum last) {
    auto number = static_cast<uint64_t>(x);
    from_(number);
    expect(number <= static_cast<uint64_t>(last));
    x = sound_ ? static_cast<Enum>(number) : last;
  }
  /// For what only the whole record can tell.
  void expect(bool x) { sound_ = sound_ && x; }

  /// What went wrong so far: `storage_failed`.
  caf::error error() const {
    if (from_.error() || sound_)
      return from_.error();
    return make_error(ec::storage_failed, "a stored record is damaged: a field has no such value");
  }

private:
  record_reader from_;
  bool sound_ = true;
};

} // namespace sluice
