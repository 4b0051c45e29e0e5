#pragma once

#include "actors/cache/keeper/cache_keeper.hpp"

namespace sluice {

/// Reads all that `keeper` wants read on the caller's thread, for benchmarks and tests: a keeper in
/// a node has an actor read. Texts that fail are handed in as such.
inline void read_at_once(cache_keeper& keeper, text_reader& by, const keeper_times& at,
                         std::vector<keeper_word>& say) {
  while (keeper.wants_to_read()) {
    keeper.read(at, say);
    for (auto& each : keeper.take_readings()) {
      const std::vector<std::string_view> texts{each.what.texts.begin(), each.what.texts.end()};
      auto forms = by.read(texts);
      keeper.texts_read(each.ticket, forms ? &*forms : nullptr, at, say);
    }
  }
}

} // namespace sluice
