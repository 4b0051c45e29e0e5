#include "runtime/tokens/token_ranks.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>
#include <zstd.h>

#include <bit>
#include <stdexcept>

// The files become part of the program: ELF's assembler reads them where this is compiled.
__asm__(".section .rodata\n"
        ".global sluice_cl100k_base\n.global sluice_cl100k_base_end\n"
        "sluice_cl100k_base: .incbin \"" SLUICE_RANKS_DIR "/cl100k_base.zst\"\n"
        "sluice_cl100k_base_end: .byte 0\n"
        ".global sluice_o200k_base\n.global sluice_o200k_base_end\n"
        "sluice_o200k_base: .incbin \"" SLUICE_RANKS_DIR "/o200k_base.zst\"\n"
        "sluice_o200k_base_end: .byte 0\n"
        ".text\n");

extern "C" {
extern const char sluice_cl100k_base[];
extern const char sluice_cl100k_base_end[];
extern const char sluice_o200k_base[];
extern const char sluice_o200k_base_end[];
}

namespace sluice {

namespace {

std::string_view carried(token_encoding encoding) {
  if (encoding == token_encoding::cl100k_base)
    return {sluice_cl100k_base, static_cast<size_t>(sluice_cl100k_base_end - sluice_cl100k_base)};
  return {sluice_o200k_base, static_cast<size_t>(sluice_o200k_base_end - sluice_o200k_base)};
}

std::string unpacked(std::string_view packed) {
  auto size = ZSTD_getFrameContentSize(packed.data(), packed.size());
  if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN)
    throw std::logic_error("the token ranks are no zstd frame");
  std::string result(size, '\0');
  auto got = ZSTD_decompress(result.data(), result.size(), packed.data(), packed.size());
  if (ZSTD_isError(got) != 0 || got != size)
    throw std::logic_error("the token ranks cannot be unpacked");
  return result;
}

uint64_t hash_of(std::string_view x) {
  return XXH3_64bits(x.data(), x.size());
}

} // namespace

token_ranks::token_ranks(token_encoding encoding) : bytes_(unpacked(carried(encoding))) {
  std::vector<uint32_t> places;
  for (size_t at = 0; at < bytes_.size();) {
    places.push_back(static_cast<uint32_t>(at + 1));
    at += 1 + static_cast<unsigned char>(bytes_[at]);
  }
  slots_.resize(std::bit_ceil(2 * places.size())); // at most half full: few are looked at in vain
  for (uint32_t rank = 0; rank < places.size(); ++rank) {
    auto token = bytes_at(places[rank]);
    if (token.empty()) // a rank that no token has
      continue;
    auto i = hash_of(token) & (slots_.size() - 1);
    while (slots_[i].rank != none)
      i = (i + 1) & (slots_.size() - 1);
    slots_[i] = {places[rank], rank};
    ++count_;
  }
}

uint32_t token_ranks::find(std::string_view bytes) const {
  for (auto i = hash_of(bytes) & (slots_.size() - 1);; i = (i + 1) & (slots_.size() - 1)) {
    auto& x = slots_[i];
    if (x.rank == none || bytes_at(x.at) == bytes)
      return x.rank;
  }
}

} // namespace sluice
