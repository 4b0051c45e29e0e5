#include "cluster/bench/cache_bench.hpp"

#include "actors/cache/encoder/sentence_encoder.hpp"
#include "cluster/bench/cache_bench_rows.hpp"
#include "runtime/ec.hpp"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <memory>

namespace sluice {

namespace {

using say_function = std::function<void(const std::string&)>;

/// Texts encoded in one call: enough to share the reading of the weights.
constexpr size_t batch_texts = 32;

class facts_maker {
public:
  static caf::expected<facts_maker> load(const cache_bench_options& options) {
    auto encoder = sentence_encoder::load(options.model, options.precision);
    if (!encoder)
      return encoder.error();
    return facts_maker{std::move(*encoder)};
  }

  caf::expected<std::vector<question_facts>> make(const std::vector<std::string_view>& texts) {
    std::vector<question_facts> result;
    result.reserve(texts.size());
    for (size_t i = 0; i < texts.size(); i += batch_texts) {
      auto batch = std::span{texts}.subspan(i, std::min(batch_texts, texts.size() - i));
      auto encoded = encoder_->encode_words(batch, space_);
      if (!encoded)
        return encoded.error();
      for (size_t j = 0; j < batch.size(); ++j)
        result.push_back(facts_of(batch[j], (*encoded)[j]));
    }
    return result;
  }

private:
  explicit facts_maker(std::unique_ptr<sentence_encoder> encoder) : encoder_(std::move(encoder)) {}

  std::unique_ptr<sentence_encoder> encoder_;
  sentence_encoder::workspace space_;
};

caf::expected<judge_weights> weights_of(const cache_bench_options& options) {
  if (options.weights.empty())
    return parse_weights(shipped_weights());
  std::ifstream in(options.weights);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  // The file in the tree is a string of C++; what is around the lines is left away.
  auto first = text.find('\n');
  auto last = text.rfind(")weights\"");
  if (!text.starts_with("R\"weights(") || last == std::string::npos)
    return make_error(ec::bad_configuration, options.weights.string() + ": no file of weights");
  return parse_weights(std::string_view{text}.substr(first, last - first));
}

/// Writes what the judge weighs, one line a judgement.
class feature_file {
public:
  explicit feature_file(const std::filesystem::path& file) {
    if (file.empty())
      return;
    out_.open(file);
    out_ << "group\tright\tveto\tsame_text";
    for (auto name : pair_feature_names())
      out_ << "\tpair " << name;
    for (auto name : neighbour_feature_names())
      out_ << "\tneighbours " << name;
    out_ << '\n';
  }

  struct line {
    size_t group = 0; ///< the row of the file that is asked
    bool right = false;
    const question_facts& asked;
    const question_facts& kept;
    neighbourhood around = {};
  };

  void add(const line& x) {
    if (!out_.is_open())
      return;
    auto match = match_words(x.asked, x.kept);
    auto found = guard(x.asked, x.kept, match);
    auto values = features_of(x.asked, x.kept, match, found);
    out_ << x.group << '\t' << x.right << '\t' << name_of(found.certain) << '\t'
         << (x.asked.same_text == x.kept.same_text);
    for (auto value : values)
      out_ << '\t' << value;
    for (auto value : features_of(x.asked, x.kept, x.around))
      out_ << '\t' << value;
    out_ << '\n';
  }

  bool failed() { return out_.is_open() && !out_.flush(); }

private:
  std::ofstream out_;
};

/// Judges and adds the time that it takes.
class timed_judge {
public:
  timed_judge(const judge_weights& weights, std::chrono::nanoseconds& spent)
      : decide_(weights), spent_(spent) {}

  double operator()(const question_facts& asked, const question_facts& kept,
                    const neighbourhood& around = {}) const {
    auto begin = std::chrono::steady_clock::now();
    auto result = decide_(asked, kept, around).probability;
    spent_ += std::chrono::steady_clock::now() - begin;
    return result;
  }

private:
  judge decide_;
  std::chrono::nanoseconds& spent_;
};

caf::error judge_pairs(const cache_bench_options& options, const judge_weights& weights,
                       facts_maker& maker, feature_file& file, cache_bench_report& out) {
  auto rows = read_pairs(options.pairs);
  if (!rows)
    return rows.error();
  std::vector<std::string_view> texts;
  for (const auto& row : *rows) {
    texts.push_back(row.a);
    texts.push_back(row.b);
  }
  auto facts = maker.make(texts);
  if (!facts)
    return facts.error();
  timed_judge decide(weights, out.judging);
  for (size_t i = 0; i < rows->size(); ++i) {
    const auto& row = (*rows)[i];
    const auto& asked = (*facts)[2 * i + 1];
    const auto& kept = (*facts)[2 * i];
    file.add({i, row.duplicate, asked, kept});
    out.judged.push_back({decide(asked, kept), row.duplicate, row.category});
    out.by_cosine.push_back({cosine(asked.vector, kept.vector), row.duplicate, row.category});
  }
  return caf::none;
}

/// Places of the stored questions nearest to `asked`, nearest first, `self` left out.
std::vector<size_t> nearest_of(const question_facts& asked,
                               const std::vector<question_facts>& stored, size_t self) {
  std::vector<std::pair<double, size_t>> near;
  near.reserve(stored.size());
  for (size_t i = 0; i < stored.size(); ++i)
    if (i != self)
      near.emplace_back(-cosine(asked.vector, stored[i].vector), i);
  auto count = std::min(nearest_count, near.size());
  std::ranges::partial_sort(near, near.begin() + static_cast<std::ptrdiff_t>(count));
  std::vector<size_t> result;
  for (size_t i = 0; i < count; ++i)
    result.push_back(near[i].second);
  return result;
}

caf::error judge_nearest(const cache_bench_options& options, const judge_weights& weights,
                         facts_maker& maker, feature_file& file, cache_bench_report& out) {
  auto rows = read_labelled(options.fill);
  if (!rows)
    return rows.error();
  auto queries = read_labelled(options.nearest);
  if (!queries)
    return queries.error();
  auto views = [](const auto& from) {
    std::vector<std::string_view> result;
    for (const auto& row : from)
      result.push_back(row.text);
    return result;
  };
  auto stored = maker.make(views(*rows));
  if (!stored)
    return stored.error();
  // A file asked of itself: a question is not its own neighbour.
  auto same_file = options.fill == options.nearest;
  auto asked = same_file ? stored : maker.make(views(*queries));
  if (!asked)
    return asked.error();
  timed_judge decide(weights, out.judging);
  for (size_t i = 0; i < asked->size(); ++i) {
    const auto& now = (*asked)[i];
    auto places = nearest_of(now, *stored, same_file ? i : stored->size());
    if (places.empty())
      continue;
    std::vector<const question_facts*> others;
    for (size_t j = 1; j < places.size(); ++j)
      others.push_back(&(*stored)[places[j]]);
    const auto& kept = (*stored)[places.front()];
    const auto& label = (*queries)[i].label;
    auto right = label != "oos" && label == (*rows)[places.front()].label;
    file.add({i, right, now, kept, {others}});
    out.judged.push_back({decide(now, kept, {others}), right, {}});
    out.by_cosine.push_back({cosine(now.vector, kept.vector), right, {}});
  }
  return caf::none;
}

} // namespace

caf::expected<cache_bench_report> run_cache_bench(const cache_bench_options& options,
                                                  const say_function& say) {
  if (options.pairs.empty() && (options.fill.empty() || options.nearest.empty()))
    return make_error(ec::bad_argument, "give --pairs, or --fill and --nearest");
  auto weights = weights_of(options);
  if (!weights)
    return weights.error();
  auto maker = facts_maker::load(options);
  if (!maker)
    return maker.error();
  feature_file file(options.features);
  cache_bench_report result;
  say(options.pairs.empty() ? "nearest neighbours" : "pairs");
  auto failure = options.pairs.empty() ? judge_nearest(options, *weights, *maker, file, result)
                                       : judge_pairs(options, *weights, *maker, file, result);
  if (failure)
    return failure;
  if (file.failed())
    return make_error(ec::io_failed, options.features.string() + ": cannot be written");
  result.rows = result.judged.size();
  return result;
}

} // namespace sluice
