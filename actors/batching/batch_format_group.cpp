#include "actors/batching/batch_format_group.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace sluice {

bool plain_fields(const json_fields& sorted) {
  for (size_t i = 0; i < sorted.size(); ++i)
    if (sorted[i].key.find('\\') != std::string_view::npos ||
        (i > 0 && sorted[i].key == sorted[i - 1].key))
      return false;
  return true;
}

fingerprint group_of(const group_terms& terms, const json_fields& sorted) {
  std::string text{terms.form};
  text += '{';
  for (const auto& x : sorted)
    if (x.key != terms.left_out)
      append_json_field(text, x.key, x.value);
  auto result = XXH3_128bits_withSeed(text.data(), text.size(), terms.seed);
  return {result.high64, result.low64};
}

} // namespace sluice
