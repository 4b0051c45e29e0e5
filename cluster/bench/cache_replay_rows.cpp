#include "cluster/bench/cache_replay_rows.hpp"

#include "actors/cache/judge/minilm_judge.hpp"
#include "actors/cache/semantic/semantic_cache.hpp"
#include "cluster/bench/cache_bench_rows.hpp"
#include "runtime/ec.hpp"

#include <fmt/format.h>

#include <unordered_set>

namespace sluice {

namespace {

using progress = std::function<void(const std::string&)>;

constexpr size_t read_at_once = 32; // as many share the reading of the weights

/// Finds without serving: it knows no region. What is kept has its number in the key.
class finder {
public:
  finder(text_judge& judge, double similarity_min)
      : cache_(settings_of(similarity_min), judge,
               [this](const fingerprint& key) { return std::optional{kept_[key.low - 1].facts}; }) {
  }

  void keep(uint64_t scope, question_form&& form) {
    kept_.push_back(std::move(form));
    cache_.insert({0, scope}, {0, kept_.size()}, kept_.back().vector, {}, {});
  }
  /// Number of what would answer, and how sure the judge is.
  std::optional<std::pair<size_t, double>> find(uint64_t scope, const question_form& asked) {
    auto found = cache_.find({0, scope}, asked, {});
    if (!found.key)
      return std::nullopt;
    return std::pair{static_cast<size_t>(found.key.low - 1), found.probability};
  }
  void forget(uint64_t scope) { cache_.erase_scope({0, scope}); }

private:
  static semantic_settings settings_of(double similarity_min) {
    semantic_settings result;
    result.entries_max = ~size_t{0};
    result.similarity_min = similarity_min;
    return result;
  }

  std::vector<question_form> kept_;
  semantic_cache cache_;
};

caf::expected<std::vector<question_form>>
read_all(text_reader& reader, const std::vector<std::string_view>& texts, const progress& say) {
  std::vector<question_form> result;
  for (size_t i = 0; i < texts.size(); i += read_at_once) {
    if (i > 0 && i % (read_at_once * 100) == 0)
      say(fmt::format("{} of {} texts", i, texts.size()));
    auto batch = std::span{texts}.subspan(i, std::min(read_at_once, texts.size() - i));
    auto forms = reader.read(batch);
    if (!forms)
      return forms.error();
    std::ranges::move(*forms, std::back_inserter(result));
  }
  return result;
}

std::vector<std::string_view> texts_of(const std::vector<labelled_question>& rows) {
  std::vector<std::string_view> result;
  for (auto& x : rows)
    result.push_back(x.text);
  return result;
}

/// Every pair is asked by itself: what other pairs say is no answer to it.
caf::error read_pairs_of(const cache_replay_options& options, size_t source, text_reader& reader,
                         text_judge& judge, const progress& say, std::vector<replay_row>& out) {
  auto rows = read_pairs(options.files[source]);
  if (!rows)
    return rows.error();
  std::vector<std::string_view> texts;
  for (auto& x : *rows) {
    texts.push_back(x.a);
    texts.push_back(x.b);
  }
  auto forms = read_all(reader, texts, say);
  if (!forms)
    return forms.error();
  finder found{judge, options.similarity_min};
  for (size_t i = 0; i < rows->size(); ++i) {
    found.keep(i + 1, std::move((*forms)[2 * i]));
    auto exact = (*rows)[i].a == (*rows)[i].b;
    if (auto hit = exact ? std::nullopt : found.find(i + 1, (*forms)[2 * i + 1]))
      out.push_back({hit->second, (*rows)[i].duplicate, source});
    found.forget(i + 1);
  }
  return caf::none;
}

caf::error read_nearest_of(const cache_replay_options& options,
                           const std::vector<labelled_question>& kept, finder& found, size_t source,
                           text_reader& reader, const progress& say, std::vector<replay_row>& out) {
  auto rows = read_labelled(options.files[source]);
  if (!rows)
    return rows.error();
  auto forms = read_all(reader, texts_of(*rows), say);
  if (!forms)
    return forms.error();
  std::unordered_set<std::string_view> exact;
  for (auto& x : kept)
    exact.insert(x.text);
  for (size_t i = 0; i < rows->size(); ++i) {
    auto& [text, label] = (*rows)[i];
    if (auto hit = exact.contains(text) ? std::nullopt : found.find(1, (*forms)[i]))
      out.push_back({hit->second, label != "oos" && label == kept[hit->first].label, source});
  }
  return caf::none;
}

} // namespace

caf::expected<std::vector<replay_row>> read_replay_rows(const cache_replay_options& options,
                                                        text_reader& reader, text_judge& judge,
                                                        const progress& say) {
  std::vector<replay_row> result;
  if (options.fill.empty()) {
    for (size_t i = 0; i < options.files.size(); ++i)
      if (auto error = read_pairs_of(options, i, reader, judge, say, result))
        return error;
    return result;
  }
  auto kept = read_labelled(options.fill);
  if (!kept)
    return kept.error();
  auto forms = read_all(reader, texts_of(*kept), say);
  if (!forms)
    return forms.error();
  finder found{judge, options.similarity_min};
  for (auto& x : *forms)
    found.keep(1, std::move(x));
  for (size_t i = 0; i < options.files.size(); ++i)
    if (auto error = read_nearest_of(options, *kept, found, i, reader, say, result))
      return error;
  return result;
}

caf::expected<cache_replay_report> run_cache_replay(const cache_replay_options& options,
                                                    const progress& say) {
  auto judge = minilm_judge::load(options.model, options.precision);
  if (!judge)
    return judge.error();
  auto rows = read_replay_rows(options, **judge, **judge, say);
  if (!rows)
    return rows.error();
  auto replay = options.replay;
  replay.regions = judge_priors();
  return replay_rows(*rows, replay);
}

} // namespace sluice
