#include "cluster/bench/cache_stream_bench.hpp"

#include "actors/cache/hot_cache.hpp"
#include "actors/cache/judge/minilm_judge.hpp"
#include "actors/cache/keeper/read_at_once.hpp"
#include "cluster/bench/bench_latencies.hpp"
#include "cluster/bench/scratch_folder.hpp"
#include "runtime/ec.hpp"
#include "storage/answer_store.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>

namespace sluice {

namespace {

using std::chrono::nanoseconds;
using std::chrono::steady_clock;

constexpr fingerprint one_namespace{1, 1};

/// Reads and judges as `minilm_judge`, and knows that answers which are not equal are not the same:
/// the provider's answers carry their meaning.
class labelled_judge final : public text_reader, public text_judge {
public:
  explicit labelled_judge(minilm_judge& inner) : inner_(inner) {}

  size_t width() const override { return inner_.width(); }
  uint64_t version() const override { return inner_.version(); }
  uint32_t form_version() const override { return inner_.form_version(); }
  caf::expected<std::vector<question_form>> read(std::span<const std::string_view> texts) override {
    return inner_.read(texts);
  }
  std::vector<judged> judge(const question_form& asked,
                            std::span<const kept_question> kept) override {
    return inner_.judge(asked, kept);
  }
  bool agree(const question_form&, const question_form&) override { return false; }

private:
  minilm_judge& inner_;
};

fingerprint key_of_text(const std::string& text) {
  auto hash = XXH3_128bits(text.data(), text.size());
  return {hash.high64, hash.low64};
}

/// What the provider answers: its text is the meaning.
cached_answer answer_of(const stream_question& x) {
  cached_answer result;
  nlohmann::json body{{"choices", {{{"message", {{"content", x.meaning}}}}}}};
  result.content = body.dump();
  result.deployment = "bench";
  return result;
}

class stream_player {
public:
  stream_player(const cache_stream_options& options, answer_archive& archive, labelled_judge& judge)
      : options_(options), reader_(judge), hot_(hot_settings(options)),
        keeper_(settings_of(options), archive, &judge) {}

  void play(const stream_question& x) {
    ++out_.requests;
    out_.time_direct += options_.upstream;
    auto begin = steady_clock::now();
    auto key = key_of_text(x.text);
    if (auto* hit = hot_.find(key, std::chrono::seconds{-1}, {}, begin)) {
      ++out_.l1;
      return done(steady_clock::now() - begin, x, hit->answer, false);
    }
    say_.clear();
    kept_lookup lookup;
    lookup.key = key;
    lookup.scope = one_namespace;
    lookup.question = x.text;
    keeper_.look_up(std::move(lookup), now(), say_);
    // Where the keeper says at once that it goes on looking, the call begins here.
    auto told = !say_.empty() && say_.front().what.more;
    auto call_begins = steady_clock::now() - begin;
    read();
    auto looked = nanoseconds{steady_clock::now() - begin};
    auto& last = say_.back().what;
    if (is_hit(last.result)) {
      auto by_meaning = last.result == cache_result::similar;
      ++(by_meaning ? out_.l2 : out_.l3);
      out_.calls_given_up += told ? 1 : 0;
      if (by_meaning)
        out_.l2_times.push_back(looked);
      return done(std::min(looked, told ? call_begins + options_.upstream : looked), x, last.answer,
                  by_meaning);
    }
    auto added = told ? nanoseconds{call_begins} : looked;
    out_.miss_added.push_back(added);
    out_.time += added + options_.upstream;
    fill(key, x);
  }

  cache_stream_report finish() {
    for (auto& x : keeper_.report().namespaces) {
      out_.verified_samples += x.verified;
      out_.verified_wrong += x.wrong;
    }
    return std::move(out_);
  }

private:
  static hot_cache_settings hot_settings(const cache_stream_options& options) {
    hot_cache_settings result;
    result.bounds = {options.cache_size, uint64_t{1} << 30};
    result.ttl = std::chrono::hours{24};
    return result;
  }
  static keeper_settings settings_of(const cache_stream_options& options) {
    keeper_settings result;
    result.ttl = std::chrono::hours{24};
    result.semantic.similarity_min = options.similarity_min;
    result.semantic.bound.regions = judge_priors();
    result.semantic.bound.error_rate_max = options.error_rate_max;
    result.semantic.seed = options.seed;
    return result;
  }
  static keeper_times now() { return {steady_clock::now(), std::chrono::system_clock::now()}; }

  void done(nanoseconds took, const stream_question& x, const cached_answer& got, bool by_meaning) {
    out_.time += took;
    if (got.content == answer_of(x).content)
      return;
    ++out_.wrong;
    out_.wrong_l2 += by_meaning ? 1 : 0;
  }

  void read() { read_at_once(keeper_, reader_, now(), say_); }

  void fill(const fingerprint& key, const stream_question& x) {
    hot_.put({key, answer_of(x)}, steady_clock::now());
    answer_fill fill;
    fill.key = key;
    fill.scope = one_namespace;
    fill.question = x.text;
    fill.answer = answer_of(x);
    keeper_.keep(std::move(fill), now());
    read();
  }

  const cache_stream_options& options_;
  text_reader& reader_;
  hot_cache hot_;
  cache_keeper keeper_;
  std::vector<keeper_word> say_;
  cache_stream_report out_;
};

caf::expected<std::vector<stream_question>> questions_of(const cache_stream_options& options) {
  std::vector<stream_question> result;
  auto* shape = reference_stream(options.stream);
  if (!shape) {
    auto rows = read_labelled(options.stream);
    if (!rows)
      return rows.error();
    for (auto& x : *rows)
      result.push_back({std::move(x.text), std::move(x.label)});
    return result;
  }
  auto pairs = read_pairs(options.questions);
  if (!pairs)
    return pairs.error();
  return make_stream(*shape, *pairs, options.size, options.seed);
}

double share(size_t part, size_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

double change(const cache_stream_report& x) {
  return x.time_direct.count() == 0 ? 0 : milliseconds(x.time) / milliseconds(x.time_direct) - 1;
}

} // namespace

caf::expected<cache_stream_report>
run_cache_stream(const cache_stream_options& options,
                 const std::function<void(const std::string&)>& say) {
  auto stream = questions_of(options);
  if (!stream)
    return stream.error();
  auto judge = minilm_judge::load(options.model, options.precision);
  if (!judge)
    return judge.error();
  scratch_folder folder;
  answer_store_settings where;
  where.path = folder.path() + "/answers";
  auto opened = answer_store::open(where, std::chrono::system_clock::now());
  if (!opened)
    return opened.error();
  labelled_judge labelled{**judge};
  stream_player player{options, *opened->store, labelled};
  for (size_t i = 0; i < stream->size(); ++i) {
    if (i > 0 && i % 500 == 0)
      say(fmt::format("{} of {} questions", i, stream->size()));
    player.play((*stream)[i]);
  }
  return player.finish();
}

std::string to_text(const cache_stream_report& x) {
  auto hits = x.l1 + x.l2 + x.l3;
  auto [low, high] =
      error_rate_interval(static_cast<double>(x.wrong_l2), static_cast<double>(x.l2));
  return fmt::format(
      "{} requests, {:.1f} ms mean, {:.1f} ms without a cache: {:+.1f} %\n"
      "  hits          {:5.1f} %   L1 {:.1f} %, L2 {:.1f} %, L3 {:.1f} %\n"
      "  false hits    {:5.2f} %   of all hits; of those by meaning {:.2f} % (95 %: {:.2f} to "
      "{:.2f})\n"
      "  added to a miss {:.2f} ms (p50), {:.2f} ms (p99); a hit by meaning {:.1f} ms (p50), "
      "{:.1f} "
      "ms (p99)\n"
      "  {} samples verified, {} of them wrong; {} calls given up\n",
      x.requests, milliseconds(x.time) / static_cast<double>(std::max<size_t>(1, x.requests)),
      milliseconds(x.time_direct) / static_cast<double>(std::max<size_t>(1, x.requests)),
      100 * change(x), 100 * share(hits, x.requests), 100 * share(x.l1, x.requests),
      100 * share(x.l2, x.requests), 100 * share(x.l3, x.requests), 100 * share(x.wrong, hits),
      100 * share(x.wrong_l2, x.l2), x.l2 == 0 ? 0.0 : 100 * low, 100 * high,
      quantile(x.miss_added, 0.5), quantile(x.miss_added, 0.99), quantile(x.l2_times, 0.5),
      quantile(x.l2_times, 0.99), x.verified_samples, x.verified_wrong, x.calls_given_up);
}

std::string to_json(const cache_stream_report& x) {
  auto hits = x.l1 + x.l2 + x.l3;
  nlohmann::ordered_json result{
      {"requests", x.requests},
      {"response_time_change", change(x)},
      {"hit_rate",
       {{"all", share(hits, x.requests)},
        {"l1", share(x.l1, x.requests)},
        {"l2", share(x.l2, x.requests)},
        {"l3", share(x.l3, x.requests)},
        {"join", 0.0}}}, // one after the other: nobody is there to be joined
      {"false_hit_rate", share(x.wrong, hits)},
      {"false_hit_rate_l2", share(x.wrong_l2, x.l2)},
      {"miss_added_ms",
       {{"p50", quantile(x.miss_added, 0.5)}, {"p99", quantile(x.miss_added, 0.99)}}},
      {"l2_ms", {{"p50", quantile(x.l2_times, 0.5)}, {"p99", quantile(x.l2_times, 0.99)}}},
      {"verified_samples", x.verified_samples},
      {"verified_wrong", x.verified_wrong},
      {"calls_given_up", x.calls_given_up}};
  return result.dump(2) + "\n";
}

} // namespace sluice
