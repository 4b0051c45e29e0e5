#include "actors/cache/semantic/form_bytes.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace sluice {

namespace {

constexpr char version = 1;
constexpr float scale = 32'767;

} // namespace

std::string form_bytes(const question_form& x) {
  std::string result;
  result.reserve(1 + 2 * x.vector.size() + x.facts.size());
  result.push_back(version);
  for (auto value : x.vector) {
    auto number = static_cast<uint16_t>(
        static_cast<int16_t>(std::lround(std::clamp(value, -1.0F, 1.0F) * scale)));
    result.push_back(static_cast<char>(number & 0xff));
    result.push_back(static_cast<char>(number >> 8));
  }
  return result + x.facts;
}

std::optional<question_form> form_of(std::string_view bytes, size_t width) {
  if (bytes.size() < 1 + 2 * width || bytes.front() != version)
    return std::nullopt;
  question_form result;
  result.vector.reserve(width);
  for (size_t i = 0; i < width; ++i) {
    auto low = static_cast<uint8_t>(bytes[1 + 2 * i]);
    auto high = static_cast<uint8_t>(bytes[2 + 2 * i]);
    auto number = static_cast<int16_t>(static_cast<uint16_t>(low | high << 8));
    result.vector.push_back(static_cast<float>(number) / scale);
  }
  result.facts = bytes.substr(1 + 2 * width);
  return result;
}

} // namespace sluice
