#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice {

/// Builds a key of the store part by part, so that the order of the bytes is the order of the
/// parts. It begins with the record type: two letters, the first for whom it belongs to.
///
/// | type | what | then |
/// | --- | --- | --- |
/// | `jf` | file | tenant, id |
/// | `jp` | piece of a file | id, number |
/// | `jb` | batch | tenant, id |
/// | `ja` | batch that is not over | id |
/// | `jl` | line that is not done | batch, number |
/// | `jc` | charge of a line | batch, number |
/// | `jo` | line that is not to be handed over again | batch, number |
/// | `jq` | part of a batch at a provider | batch, number |
/// | `ju` | upload that is not whole | id |
/// | `js` | bytes of all files | |
class store_key {
public:
  explicit store_key(std::string_view type) : bytes_(type) {}

  /// A text of any length and content. Its length stands before it, so no text is another's
  /// beginning; among texts of different length the order is not that of the alphabet.
  store_key& text(std::string_view x) {
    number(static_cast<uint32_t>(x.size()));
    bytes_.append(x);
    return *this;
  }
  /// A text that has the same length in all keys of the type.
  store_key& id(std::string_view x) {
    bytes_.append(x);
    return *this;
  }
  /// Big-endian: in the order of the numbers.
  store_key& number(uint32_t x) {
    for (int shift = 24; shift >= 0; shift -= 8)
      bytes_.push_back(static_cast<char>((x >> shift) & 0xff));
    return *this;
  }

  const std::string& str() const { return bytes_; }
  operator std::string() const { return bytes_; }

private:
  std::string bytes_;
};

/// The number that `key` ends with.
inline uint32_t number_at_end(std::string_view key) {
  uint32_t x = 0;
  for (size_t i = key.size() < 4 ? 0 : key.size() - 4; i < key.size(); ++i)
    x = (x << 8) | static_cast<unsigned char>(key[i]);
  return x;
}

} // namespace sluice
