#pragma once

#include "actors/cache/encoder/encoder_precision.hpp"
#include "actors/cache/semantic/text_judge.hpp"
#include "cluster/bench/cache_replay.hpp"

#include <caf/expected.hpp>

#include <filesystem>
#include <functional>

namespace sluice {

struct cache_replay_options {
  std::vector<std::filesystem::path>
      files;                   ///< lines {"a", "b", "duplicate"}, each pair a namespace
                               ///< of its own; or, with `fill`, {"text", "label"}
  std::filesystem::path fill;  ///< lines {"text", "label"} that are kept
  std::filesystem::path model; ///< folder of the encoder
  encoder_precision precision = encoder_precision::fp32;
  double similarity_min = 0.85; ///< below it nothing is judged
  replay_options replay;
};

/// What L2 (`semantic_cache`) finds for each question of the files and how sure the judge is. Rows
/// for which it finds nothing are left out, and so are those of the very text that is kept: they are
/// exact hits, of which L2 never hears. Errors name the file, and the line where one is bad.
caf::expected<std::vector<replay_row>>
read_replay_rows(const cache_replay_options& options, text_reader& reader, text_judge& judge,
                 const std::function<void(const std::string&)>& say);

/// The same with the judge of a node, and plays them.
caf::expected<cache_replay_report>
run_cache_replay(const cache_replay_options& options,
                 const std::function<void(const std::string&)>& say);

} // namespace sluice
