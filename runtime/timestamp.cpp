#include "runtime/timestamp.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string_view>

namespace sluice {

namespace {

/// Writes the last `digits` decimal digits of `value` at `place`.
void put_digits(char* place, int64_t value, size_t digits) {
  for (auto i = digits; i-- > 0; value /= 10)
    place[i] = static_cast<char>('0' + value % 10);
}

} // namespace

std::string_view timestamp_writer::text(wall_time at) {
  using namespace std::chrono;
  auto second = floor<seconds>(at);
  if (auto count = second.time_since_epoch().count(); count != second_) {
    second_ = count;
    auto day = floor<days>(second);
    auto date = year_month_day{day};
    auto time = hh_mm_ss{second - day};
    constexpr std::string_view shape = "0000-00-00T00:00:00.000Z";
    static_assert(shape.size() == std::tuple_size_v<decltype(text_)>);
    std::ranges::copy(shape, text_.begin());
    put_digits(&text_[0], static_cast<int>(date.year()), 4);
    put_digits(&text_[5], static_cast<unsigned>(date.month()), 2);
    put_digits(&text_[8], static_cast<unsigned>(date.day()), 2);
    put_digits(&text_[11], time.hours().count(), 2);
    put_digits(&text_[14], time.minutes().count(), 2);
    put_digits(&text_[17], time.seconds().count(), 2);
  }
  put_digits(&text_[20], duration_cast<milliseconds>(at - second).count(), 3);
  return {text_.data(), text_.size()};
}

} // namespace sluice
