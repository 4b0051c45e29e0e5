#include "actors/cache/semantic/form_bytes.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace sluice {

namespace {

constexpr char version = 2;
constexpr float scale = 32'767;

void put(std::string& to, uint16_t x) {
  to.push_back(static_cast<char>(x & 0xff));
  to.push_back(static_cast<char>(x >> 8));
}

void put_head(std::string& to, uint32_t form_version, size_t width) {
  to.push_back(version);
  put(to, static_cast<uint16_t>(form_version & 0xffff));
  put(to, static_cast<uint16_t>(form_version >> 16));
  put(to, static_cast<uint16_t>(width));
}

uint16_t number_at(std::string_view bytes, size_t at) {
  auto low = static_cast<uint8_t>(bytes[at]);
  auto high = static_cast<uint8_t>(bytes[at + 1]);
  return static_cast<uint16_t>(low | high << 8);
}

/// What `put_head` writes.
constexpr size_t head_bytes = 7;

} // namespace

std::string form_bytes(const question_form& x, uint32_t form_version) {
  std::string result;
  result.reserve(head_bytes + 2 * x.vector.size() + x.facts.size());
  put_head(result, form_version, x.vector.size());
  for (auto value : x.vector)
    put(result, static_cast<uint16_t>(
                    static_cast<int16_t>(std::lround(std::clamp(value, -1.0F, 1.0F) * scale))));
  return result + x.facts;
}

std::optional<question_form> form_of(std::string_view bytes, const text_judge& judge) {
  auto width = judge.width();
  std::string head;
  put_head(head, judge.form_version(), width);
  if (bytes.size() < head_bytes + 2 * width || !bytes.starts_with(head))
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
