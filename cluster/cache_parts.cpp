#include "cluster/cache_parts.hpp"

#include "actors/cache/checker/answer_checker_actor.hpp"
#include "actors/cache/embedder/embedder_actor.hpp"
#include "actors/cache/judge/embedding_judge.hpp"
#include "actors/cache/judge/minilm_judge.hpp"
#include "api/gateway/cache_rules.hpp"
#include "storage/answer_store.hpp"
#include "storage/seed_file.hpp"

#include <spdlog/spdlog.h>

namespace sluice {

namespace {

/// Where `make` puts the embedding model.
constexpr const char* default_model = "build/models/all-minilm-l6-v2";

} // namespace

std::string archive_folder(const configuration& settings) {
  auto& cache = settings.cache;
  if (!cache.enabled || settings.optimizer.cache_size == 0 || cache.archive.bytes_max == 0)
    return {};
  if (!cache.archive.path.empty())
    return cache.archive.path;
  return settings.storage.path.empty() ? std::string{} : settings.storage.path + "/cache";
}

caf::expected<kept_answers> open_answers(const configuration& settings, node_log& log) {
  kept_answers result;
  answer_store_settings where;
  where.path = archive_folder(settings);
  if (where.path.empty())
    return result;
  where.bytes_max = settings.cache.archive.bytes_max;
  // With room for the question beside the answer.
  where.entry_bytes_max = std::max(where.entry_bytes_max, 2 * settings.cache.entry_bytes_max);
  auto opened = answer_store::open(where, std::chrono::system_clock::now());
  if (!opened)
    return opened.error();
  auto& what = opened->what;
  if (what.begun_anew)
    log.lines()->warn("the cache in {} was damaged and is begun anew: {} (moved to {})", where.path,
                      what.reason, what.moved_to);
  auto seed = seed_of(where.path);
  if (!seed)
    return seed.error();
  result.archive = std::move(opened->store);
  result.seed = *seed;
  return result;
}

std::function<meaning_tools()> tools_maker(const configuration& settings,
                                           std::shared_ptr<node_log> log) {
  auto& similar = settings.cache.similar;
  if (!answers_by_meaning(settings.cache))
    return nullptr;
  if (!similar.embeddings.model.empty()) {
    embedding_judge_settings how;
    how.model = similar.embeddings.model;
    how.dimensions = similar.embeddings.dimensions;
    how.similarity_min = settings.optimizer.similarity_threshold;
    how.answers_agree = similar.embeddings.answers_agree;
    return [how = std::move(how), log = std::move(log)] {
      log->lines()->info("the cache compares meanings with embeddings of '{}'", how.model);
      return meaning_tools{nullptr, std::make_shared<embedding_judge>(how)};
    };
  }
  auto precision = similar.precision == "int8" ? encoder_precision::int8 : encoder_precision::fp32;
  std::filesystem::path folder = similar.model.empty() ? default_model : similar.model;
  return [folder, precision, log = std::move(log)]() -> meaning_tools {
    auto made = minilm_judge::load(folder, precision);
    if (made) {
      log->lines()->info("the cache compares meanings with the model in {}", folder.string());
      return {*made, *made};
    }
    log->lines()->warn("the cache has no embedding model ({}) and answers by meaning only what "
                       "differs in case, blanks and marks",
                       message_of(made.error()));
    auto plain = std::make_shared<ngram_judge>();
    return {plain, plain};
  };
}

cache_callers spawn_cache_callers(caf::actor_system& system, const configuration& settings,
                                  const own_calls_setup& common, std::shared_ptr<node_log> log,
                                  uint64_t seed) {
  auto& similar = settings.cache.similar;
  cache_callers result;
  auto through = [&](own_calls_setup x) {
    x.router = common.router;
    x.monitor = common.monitor;
    x.ledger = common.ledger;
    x.targets = common.targets;
    x.wall = common.wall;
    return x;
  };
  if (!answers_by_meaning(settings.cache))
    return result;
  if (!similar.checker.empty())
    result.checker = system.spawn(
        answer_checker,
        answer_checker_setup{through(check_calls(similar.checker, similar.checker_budget)), seed});
  if (auto& x = similar.embeddings; !x.model.empty())
    result.embedder =
        system.spawn(embedder, embedder_setup{through(embedding_calls(x.model, x.daily_budget)),
                                              x.dimensions, std::move(log)});
  return result;
}

} // namespace sluice
