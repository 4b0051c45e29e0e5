#include "api/sim/sim_embedding.hpp"

#include "api/sim/sim_hash.hpp"

#include <array>
#include <bit>
#include <charconv>
#include <cmath>

namespace sluice {
namespace {

/// Words that count. Eight thousand tokens times three thousand dimensions would hold a loop for
/// tens of milliseconds, and the direction is settled long before.
constexpr uint32_t words_max = 512;

/// The share of the whole text: keeps two texts of the same words apart, and a text without words
/// from having no direction.
constexpr float whole_share = 0.5F;

/// Adds plus or minus `share` to each dimension, 64 dimensions from one number.
void add_direction(std::vector<float>& to, uint64_t hash, float share) {
  for (size_t i = 0; i < to.size(); i += 64) {
    auto bits = sim_mix(hash + i);
    for (size_t j = i; j < to.size() && j < i + 64; ++j, bits >>= 1U)
      to[j] += (bits & 1U) != 0 ? share : -share;
  }
}

bool is_word(unsigned char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c >= 0x80;
}

unsigned char lower(char c) {
  auto x = static_cast<unsigned char>(c);
  return x >= 'A' && x <= 'Z' ? static_cast<unsigned char>(x - 'A' + 'a') : x;
}

} // namespace

std::vector<float> sim_embedding(std::string_view text, uint64_t hash, int64_t dimensions) {
  std::vector<float> result(static_cast<size_t>(dimensions), 0.0F);
  add_direction(result, hash, whole_share);
  std::string word;
  uint32_t words = 0;
  for (size_t i = 0; i <= text.size() && words < words_max; ++i) {
    auto c = i < text.size() ? lower(text[i]) : static_cast<unsigned char>(' ');
    if (is_word(c)) {
      word += static_cast<char>(c);
    } else if (!word.empty()) {
      add_direction(result, sim_hash(0, word), 1.0F);
      word.clear();
      ++words;
    }
  }
  double square = 0;
  for (auto x : result)
    square += static_cast<double>(x) * static_cast<double>(x);
  // A few dimensions can cancel out.
  if (square == 0) {
    result[0] = 1;
    square = 1;
  }
  auto length = std::sqrt(square);
  for (auto& x : result)
    x = static_cast<float>(static_cast<double>(x) / length);
  return result;
}

void append_float_list(std::string& out, const std::vector<float>& vector) {
  std::array<char, 32> buffer;
  out += '[';
  for (size_t i = 0; i < vector.size(); ++i) {
    if (i > 0)
      out += ',';
    auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), vector[i]).ptr;
    out.append(buffer.data(), end);
  }
  out += ']';
}

void append_float_base64(std::string& out, const std::vector<float>& vector) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  bytes.reserve(vector.size() * 4);
  for (auto x : vector) {
    auto word = std::bit_cast<uint32_t>(x);
    for (uint32_t shift = 0; shift < 32; shift += 8)
      bytes += static_cast<char>((word >> shift) & 0xffU);
  }
  for (size_t i = 0; i < bytes.size(); i += 3) {
    auto left = bytes.size() - i;
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j)
      group = (group << 8U) | (j < left ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    for (size_t j = 0; j < 4; ++j)
      out += j <= left ? digits[(group >> (18 - 6 * j)) & 63U] : '=';
  }
}

} // namespace sluice
