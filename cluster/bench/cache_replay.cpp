#include "cluster/bench/cache_replay.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <numeric>
#include <random>

namespace sluice {

namespace {

using rows_of = std::vector<replay_row>;

/// Runs of one kind of row: long enough that a bound which trusts is caught, a hundred on average.
constexpr double run_length = 100;

/// The adversary's patience, in rows: by then a bound of 1 % looks at a tenth.
constexpr size_t patience_max = 2'000;

class player {
public:
  player(const replay_options& options, uint64_t seed)
      : bound_(settings_of(options)), coins_(seed) {
    out_.seed = seed;
  }

  /// Whether it was verified.
  bool play(const replay_row& x) {
    ++out_.rows;
    switch (bound_.decide(x.probability, coin_(coins_))) {
    case hit_decision::serve:
      bound_.served(x.probability);
      ++out_.served;
      out_.wrong += x.right ? 0 : 1;
      return false;
    case hit_decision::unlikely:
      return false;
    case hit_decision::unproven:
    case hit_decision::suspected:
    case hit_decision::sampled:
      break;
    }
    bound_.verified(x.probability, x.right);
    return true;
  }

  uint64_t seed() const { return out_.seed; }

  bool serves(double probability) const {
    auto open = false;
    for (auto& x : bound_.regions())
      if (probability >= x.probability_min)
        open = x.open;
    return open;
  }

  replay_order finish(double error_rate_max) {
    auto wrong = static_cast<double>(out_.wrong);
    auto served = static_cast<double>(out_.served);
    if (out_.served > 0) {
      out_.rate = wrong / served;
      auto [from, to] = error_rate_interval(wrong, served);
      out_.rate_from = from;
      out_.rate_to = to;
    }
    out_.held = out_.rate_from <= error_rate_max;
    return out_;
  }

private:
  /// Shares of what is verified are the defaults, as a node has them.
  static error_bound_settings settings_of(const replay_options& options) {
    error_bound_settings result;
    result.error_rate_max = options.error_rate_max;
    result.regions = options.regions;
    return result;
  }

  error_bound bound_;
  std::mt19937_64 coins_;
  std::uniform_real_distribution<> coin_{0, 1};
  replay_order out_;
};

struct halves {
  rows_of right;
  rows_of wrong;
};

halves halves_of(const rows_of& rows) {
  halves result;
  for (auto& x : rows)
    (x.right ? result.right : result.wrong).push_back(x);
  return result;
}

rows_of in_runs(const rows_of& rows, std::mt19937_64& random) {
  auto left = halves_of(rows);
  rows_of result;
  std::geometric_distribution<size_t> more{1 / run_length};
  while (!left.right.empty() || !left.wrong.empty()) {
    // As likely as there is left of it, so that both last until the end.
    std::bernoulli_distribution is_right{
        static_cast<double>(left.right.size()) /
        static_cast<double>(left.right.size() + left.wrong.size())};
    auto& from = is_right(random) ? left.right : left.wrong;
    for (auto count = std::min(from.size(), 1 + more(random)); count > 0; --count) {
      result.push_back(from.back());
      from.pop_back();
    }
  }
  return result;
}

/// Sources by their share of wrong rows.
rows_of drifting(rows_of rows) {
  std::vector<std::array<double, 2>> counts; // wrong, all
  for (auto& x : rows) {
    counts.resize(std::max(counts.size(), x.source + 1));
    counts[x.source][0] += x.right ? 0 : 1;
    ++counts[x.source][1];
  }
  auto share = [&](const replay_row& x) { return counts[x.source][0] / counts[x.source][1]; };
  std::ranges::stable_sort(rows, [&](auto& a, auto& b) {
    return std::pair{share(a), a.source} < std::pair{share(b), b.source};
  });
  return rows;
}

/// Wrong rows by region, of which the adversary takes the next that would be served.
class wrong_rows {
public:
  wrong_rows(rows_of rows, const std::vector<region_prior>& regions) : by_region_(regions.size()) {
    for (auto& x : rows) {
      size_t at = 0;
      while (at + 1 < regions.size() && x.probability >= regions[at + 1].probability_min)
        ++at;
      by_region_[at].push_back(x);
    }
  }

  /// Null where no region is open that there are some for. Taken with `pop`.
  rows_of* served_by(const player& to) {
    for (auto& x : by_region_)
      if (!x.empty() && to.serves(x.back().probability))
        return &x;
    return nullptr;
  }
  void play_rest(player& to) const {
    for (auto& rows : by_region_)
      for (auto& x : rows)
        to.play(x);
  }

private:
  std::vector<rows_of> by_region_;
};

/// Every second one backs off after an error was seen, until that is forgiven.
void play_adversary(player& to, const rows_of& rows, const replay_options& options,
                    std::mt19937_64& random, bool backs_off) {
  auto left = halves_of(rows);
  wrong_rows wrong{std::move(left.wrong), options.regions};
  std::uniform_int_distribution<size_t> patience{0, patience_max};
  auto waits = patience(random);
  while (!left.right.empty()) {
    auto* next = wrong.served_by(to);
    if (next && waits == 0) {
      auto seen = to.play(next->back());
      next->pop_back();
      waits = seen && backs_off ? 2 * error_bound::suspicion : 0;
      continue;
    }
    waits = next ? waits - 1 : patience(random);
    to.play(left.right.back());
    left.right.pop_back();
  }
  wrong.play_rest(to);
}

template <class Play>
replay_kind play_orders(std::string name, const rows_of& rows, const replay_options& options,
                        Play play) {
  replay_kind result{std::move(name), {}};
  for (size_t i = 0; i < options.orders; ++i) {
    std::mt19937_64 random{options.seed + i};
    auto shuffled = rows;
    std::ranges::shuffle(shuffled, random);
    player to{options, options.seed + i};
    play(to, std::move(shuffled), random);
    result.orders.push_back(to.finish(options.error_rate_max));
  }
  return result;
}

void play_all(player& to, const rows_of& rows) {
  for (auto& x : rows)
    to.play(x);
}

} // namespace

size_t replay_kind::held() const {
  return static_cast<size_t>(std::ranges::count_if(orders, [](auto& x) { return x.held; }));
}

cache_replay_report replay_rows(const std::vector<replay_row>& rows,
                                const replay_options& options) {
  cache_replay_report out;
  out.error_rate_max = options.error_rate_max;
  out.repeat = options.repeat;
  out.rows_all = rows.size();
  auto least = options.regions.empty() ? 2.0 : options.regions.front().probability_min;
  rows_of all;
  auto several = false;
  for (auto& x : rows) {
    if (x.probability < least)
      continue;
    ++out.rows;
    out.wrong += x.right ? 0 : 1;
    all.insert(all.end(), options.repeat, x);
    several = several || x.source != all.front().source;
  }
  out.kinds.push_back(
      play_orders("random", all, options, [](player& to, rows_of x, auto&) { play_all(to, x); }));
  if (options.drift)
    out.kinds.push_back(play_orders("runs", all, options, [](player& to, rows_of x, auto& random) {
      play_all(to, in_runs(x, random));
    }));
  if (options.drift && several)
    out.kinds.push_back(play_orders("drift", all, options, [](player& to, rows_of x, auto&) {
      play_all(to, drifting(std::move(x)));
    }));
  if (options.adversarial)
    out.kinds.push_back(
        play_orders("adversarial", all, options, [&](player& to, rows_of x, auto& random) {
          play_adversary(to, x, options, random, to.seed() % 2 == 0);
        }));
  return out;
}

std::string to_text(const cache_replay_report& x) {
  auto out = fmt::format(
      "{} would-be hits of {} rows, {} of them wrong ({:.2f} %), each {} times; at most {:.2f} % "
      "of "
      "what is served may be\n",
      x.rows, x.rows_all, x.wrong,
      x.rows == 0 ? 0.0 : 100 * static_cast<double>(x.wrong) / static_cast<double>(x.rows),
      x.repeat, 100 * x.error_rate_max);
  for (auto& kind : x.kinds) {
    if (kind.orders.empty())
      continue;
    for (auto& each : kind.orders)
      fmt::format_to(std::back_inserter(out),
                     "  {:<12} seed {:>3}: served {:>7}, wrong {:>5}, {:6.3f} % (95 %: {:.3f} to "
                     "{:.3f}) {}\n",
                     kind.name, each.seed, each.served, each.wrong, 100 * each.rate,
                     100 * each.rate_from, 100 * each.rate_to, each.held ? "held" : "NOT HELD");
    auto [least, most] = std::ranges::minmax(kind.orders, {}, &replay_order::served);
    fmt::format_to(std::back_inserter(out), "{}: held in {} of {}; served {} to {}\n", kind.name,
                   kind.held(), kind.orders.size(), least.served, most.served);
  }
  return out;
}

std::string to_json(const cache_replay_report& x) {
  nlohmann::ordered_json result{{"error_rate_max", x.error_rate_max},
                                {"rows", x.rows},
                                {"rows_all", x.rows_all},
                                {"wrong", x.wrong},
                                {"repeat", x.repeat}};
  for (auto& kind : x.kinds) {
    auto& to = result[kind.name];
    to["held"] = kind.held();
    for (auto& each : kind.orders)
      to["orders"].push_back({{"seed", each.seed},
                              {"rows", each.rows},
                              {"served", each.served},
                              {"wrong", each.wrong},
                              {"error_rate", each.rate},
                              {"error_rate_from", each.rate_from},
                              {"error_rate_to", each.rate_to},
                              {"held", each.held}});
  }
  return result.dump(2) + "\n";
}

} // namespace sluice
