#include "actors/cache/semantic/form_bytes.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace sluice {

namespace {

constexpr char version = 1;
constexpr float scale = 32'767;

void put(std::string& to, uint16_t x) {
  to.push_back(static_cast<char>(x & 0xff));
  to.push_back(static_cast<char>(x >> 8));
}

uint16_t number_at(std::string_view bytes, size_t at) {
  auto low = static_cast<uint8_t>(bytes[at]);
  auto high = static_cast<uint8_t>(bytes[at + 1]);
  return static_cast<uint16_t>(low | high << 8);
}

/// Version and width.
constexpr size_t head_bytes = 3;

} // namespace

std::string form_bytes(const question_form& x) {
  std::string result;
  result.reserve(head_bytes + 2 * x.vector.size() + x.facts.size());
  result.push_back(version);
  put(result, static_cast<uint16_t>(x.vector.size()));
  for (auto value : x.vector)
    put(result, static_cast<uint16_t>(
                    static_cast<int16_t>(std::lround(std::clamp(value, -1.0F, 1.0F) * scale))));
  return result + x.facts;
}

std::optional<question_form> form_of(std::string_view bytes, size_t width) {
  if (bytes.size() < head_bytes + 2 * width || bytes.front() != version ||
      number_at(bytes, 1) != width)
    return std::nullopt;
  question_form result;
  result.vector.reserve(width);
  for (size_t i = 0; i < width; ++i)
    result.vector.push_back(
        static_cast<float>(static_cast<int16_t>(number_at(bytes, head_bytes + 2 * i))) / scale);
  result.facts = bytes.substr(head_bytes + 2 * width);
  return result;
}

} // namespace sluice
