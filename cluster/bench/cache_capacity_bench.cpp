#include "cluster/bench/cache_capacity_bench.hpp"

#include "actors/cache/hot_cache.hpp"
#include "actors/cache/keeper/read_at_once.hpp"
#include "cluster/bench/cache_capacity_data.hpp"
#include "cluster/bench/scratch_folder.hpp"
#include "runtime/ec.hpp"
#include "storage/answer_store.hpp"
#include "storage/rocksdb_error.hpp"

#include <fmt/format.h>
#include <malloc.h>

#include <fstream>
#include <unordered_map>

namespace sluice {

namespace {

using std::chrono::steady_clock;
using say_function = std::function<void(const std::string&)>;

constexpr fingerprint one_namespace{1, 1};

/// A node tidies every second: about so many answers apart where it is filled without a pause.
constexpr uint64_t tidied_every = 10'000;

/// Lookups by comparing all vectors take milliseconds each; these are enough for a median.
constexpr uint64_t scans = 200;

double seconds_since(steady_clock::time_point start) {
  return std::chrono::duration<double>(steady_clock::now() - start).count();
}

template <class Work>
std::chrono::nanoseconds timed(Work&& work) {
  auto start = steady_clock::now();
  work();
  return steady_clock::now() - start;
}

/// Resident memory of this process, without what was freed and not given back.
double memory_mib() {
  malloc_trim(0);
  std::ifstream status{"/proc/self/status"};
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:"))
      return std::stod(line.substr(6)) / 1024;
  return 0;
}

double folder_mib(const std::string& path) {
  uintmax_t bytes = 0;
  std::error_code ignored; // a file that RocksDB removes meanwhile
  for (std::filesystem::directory_iterator i{path, ignored}, end; i != end; i.increment(ignored))
    bytes += i->file_size(ignored);
  return static_cast<double>(bytes) / 1024 / 1024;
}

keeper_times now() {
  return {steady_clock::now(), std::chrono::system_clock::now()};
}

caf::error wrong(const std::string& what) {
  return make_error(ec::internal, "the benchmark's own check failed: " + what);
}

class capacity_bench {
public:
  capacity_bench(const cache_capacity_options& options, const say_function& say)
      : options_(options), say_(say), data_(options.answer_bytes, options.facts_bytes),
        folder_(options.folder.empty() ? std::filesystem::temp_directory_path() : options.folder) {
    where_.path = folder_.path() + "/answers";
    where_.bytes_max = ~uint64_t{0}; // nothing is to go
    // All that is asked for by meaning is served; whether it is right is another benchmark's.
    settings_.ttl = std::chrono::hours{24};
    settings_.hottest = options_.cache_size;
    settings_.semantic.entries_max = options_.vectors;
    settings_.semantic.bound = {1, 0, 0, {{0, 1'000, 0}}};
    hot_.bounds = {options_.cache_size, uint64_t{1} << 40};
    hot_.ttl = settings_.ttl;
  }

  caf::expected<cache_capacity_report> run() {
    if (folder_.path().empty())
      return make_error(ec::io_failed, "no folder can be made for the benchmark");
    out_.entries = options_.entries;
    out_.vectors = options_.vectors;
    out_.rss_start_mib = memory_mib();
    for (auto step : {&capacity_bench::reference, &capacity_bench::begin, &capacity_bench::fill,
                      &capacity_bench::look_up, &capacity_bench::look_up_by_meaning,
                      &capacity_bench::look_up_in_memory, &capacity_bench::start_again,
                      &capacity_bench::scan_vectors})
      if (auto error = (this->*step)())
        return error;
    return std::move(out_);
  }

private:
  uint64_t plain() const { return options_.entries - options_.vectors; }
  uint64_t drawn(uint64_t from, uint64_t to) {
    return std::uniform_int_distribution<uint64_t>{from, to - 1}(random_);
  }

  /// RocksDB with the same options, and the same bytes in one value an entry.
  caf::error reference() {
    say_(fmt::format("plain RocksDB: {} entries", options_.entries));
    auto path = folder_.path() + "/plain";
    rocksdb::DB* opened = nullptr;
    if (auto status = rocksdb::DB::Open(answer_options(where_), path, &opened); !status.ok())
      return to_error(status, "opening a database beside the cache");
    std::unique_ptr<rocksdb::DB> db{opened};
    std::chrono::nanoseconds writing{0};
    rocksdb::Status status;
    for (uint64_t i = 0; i < options_.entries && status.ok(); ++i) {
      auto key = key_bytes(data_.key(i));
      answer_record record;
      record.answer = data_.answer(i);
      auto value = encode_content(key, record);
      writing += timed([&] { status = db->Put({}, key, value); });
    }
    std::string value;
    for (uint64_t i = 0; i < options_.lookups && status.ok(); ++i) {
      auto key = data_.key(drawn(0, options_.entries));
      out_.l3.reference.push_back(timed([&] { status = db->Get({}, key_bytes(key), &value); }));
    }
    if (status.ok())
      status = db->Flush({});
    if (!status.ok())
      return to_error(status, "using a database beside the cache");
    out_.reference_inserts_per_s =
        static_cast<double>(options_.entries) / std::chrono::duration<double>(writing).count();
    out_.reference_disk_mib = folder_mib(path);
    db.reset();
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
    return {};
  }

  caf::error begin() {
    auto start = steady_clock::now();
    auto opened = answer_store::open(where_, std::chrono::system_clock::now());
    if (!opened)
      return opened.error();
    out_.open_s = seconds_since(start);
    store_ = std::move(opened->store);
    keeper_ = std::make_unique<cache_keeper>(settings_, *store_, &data_);
    l1_ = std::make_unique<hot_cache>(hot_);
    return {};
  }

  void put(uint64_t number) {
    answer_fill fill;
    fill.key = data_.key(number);
    fill.tenant = "tenant";
    fill.answer = data_.answer(number);
    if (number >= plain()) {
      fill.scope = one_namespace;
      fill.question = data_.prepare_kept(number);
    }
    filling_ += timed([&] {
      keeper_->keep(std::move(fill), now());
      read();
      if (number % tidied_every == 0)
        keeper_->tidy(now());
    });
  }

  double rate(uint64_t count) {
    auto result = static_cast<double>(count) / std::chrono::duration<double>(filling_).count();
    filling_ = {};
    return result;
  }

  caf::error fill() {
    say_(fmt::format("the cache: {} entries", plain()));
    auto first = plain();
    for (uint64_t i = 0; i < first; ++i)
      put(i);
    out_.l3_inserts_per_s = rate(first);
    out_.rss_entries_mib = memory_mib();
    say_(fmt::format("{} entries with vectors", options_.vectors));
    auto half = first + options_.vectors / 2;
    for (uint64_t i = first; i < half; ++i)
      put(i);
    rate(half - first);
    for (uint64_t i = half; i < options_.entries; ++i)
      put(i);
    out_.l2_inserts_per_s = rate(options_.entries - half);
    out_.rss_vectors_mib = memory_mib();
    auto report = keeper_->report();
    if (report.entries != options_.entries || report.vectors != options_.vectors)
      return wrong(fmt::format("{} entries and {} vectors", report.entries, report.vectors));
    out_.vector_bytes =
        static_cast<double>(report.vector_bytes) / static_cast<double>(report.vectors);
    out_.live_mib = static_cast<double>(report.bytes) / 1024 / 1024;
    return {};
  }

  void read() { read_at_once(*keeper_, data_, now(), heard_); }

  cache_verdict ask(kept_lookup&& x) {
    heard_.clear();
    x.patient = true;
    keeper_->look_up(std::move(x), now(), heard_);
    read();
    return heard_.empty() ? cache_verdict{} : std::move(heard_.back().what);
  }

  caf::error look_up() {
    say_("lookups");
    for (uint64_t i = 0; i < 2 * options_.lookups; ++i) {
      auto there = i % 2 == 0;
      auto number = drawn(0, plain());
      kept_lookup x;
      x.key = data_.key(there ? number : number + options_.entries);
      cache_verdict got;
      (there ? out_.l3.hits : out_.misses).push_back(timed([&] { got = ask(std::move(x)); }));
      if (got.result != (there ? cache_result::stored : cache_result::miss) ||
          (there && got.answer.content != data_.answer(number).content))
        return wrong("L3 gave another answer");
    }
    return {};
  }

  caf::error look_up_by_meaning() {
    uint64_t right = 0;
    for (uint64_t i = 0; i < options_.lookups; ++i) {
      auto number = drawn(plain(), options_.entries);
      kept_lookup x;
      x.key = data_.key(number + options_.entries);
      x.scope = one_namespace;
      x.question = data_.prepare_asked(number);
      cache_verdict got;
      out_.l2.hits.push_back(timed([&] { got = ask(std::move(x)); }));
      right += got.result == cache_result::similar && got.key == data_.key(number) ? 1 : 0;
    }
    out_.l2_recall = static_cast<double>(right) / static_cast<double>(options_.lookups);
    return {};
  }

  caf::error look_up_in_memory() {
    struct hash {
      size_t operator()(const fingerprint& x) const { return x.low; }
    };
    std::unordered_map<fingerprint, std::string, hash> plain_map;
    for (uint64_t i = 0; i < options_.cache_size; ++i) {
      l1_->put({data_.key(i), data_.answer(i)}, steady_clock::now());
      plain_map[data_.key(i)] = data_.answer(i).content;
    }
    for (uint64_t i = 0; i < options_.lookups; ++i) {
      auto key = data_.key(drawn(0, options_.cache_size));
      cached_answer got;
      auto at = steady_clock::now();
      out_.l1.hits.push_back(timed([&] {
        if (auto* hit = l1_->find(key, std::chrono::seconds{-1}, {}, at))
          got = hit->answer;
      }));
      std::string copy;
      out_.l1.reference.push_back(timed([&] { copy = plain_map.at(key); }));
      if (got.content.empty() || copy != got.content)
        return wrong("L1 gave another answer");
    }
    return {};
  }

  /// As a node does: the database, what is worth most into L1, vectors into L2.
  caf::error start_again() {
    say_("again");
    keeper_->tidy(now());
    keeper_.reset();
    l1_.reset();
    store_.reset();
    out_.disk_mib = folder_mib(where_.path);
    if (auto error = begin())
      return error;
    auto start = steady_clock::now();
    std::vector<cache_fill> fills;
    auto more = true;
    while (more) {
      out_.steps.push_back(
          timed([&] { more = keeper_->warm_some(now(), fills) == warm_step::more; }));
      auto passed = seconds_since(start);
      if (!fills.empty() && out_.warmed_l1 == 0)
        out_.search_s = passed;
      for (auto& x : fills)
        l1_->put(std::move(x), steady_clock::now());
      out_.warmed_l1 += fills.size();
      if (!fills.empty())
        out_.l1_warm_s = passed - out_.search_s;
      fills.clear();
    }
    out_.l2_warm_s = seconds_since(start) - out_.search_s - out_.l1_warm_s;
    out_.warmed_l2 = keeper_->report().vectors;
    out_.rss_warm_mib = memory_mib();
    if (out_.warmed_l2 != options_.vectors || out_.warmed_l1 != options_.cache_size)
      return wrong(fmt::format("after a start {} answers are in L1 and {} vectors in L2",
                               out_.warmed_l1, out_.warmed_l2));
    return {};
  }

  /// By indices that are too small for a graph: these compare all they have.
  caf::error scan_vectors() {
    keeper_.reset();
    std::vector<nearest_index> parts;
    for (auto number = plain(); number < options_.entries; ++number) {
      if (parts.empty() || parts.back().size() + 1 >= nearest_index::graph_min)
        parts.emplace_back(data_.width());
      parts.back().insert(number, data_.vector(number));
    }
    for (uint64_t i = 0; i < scans; ++i) {
      auto asked = data_.asked_vector(drawn(plain(), options_.entries));
      neighbour_found best;
      out_.l2.reference.push_back(timed([&] {
        for (auto& part : parts)
          if (auto near = part.nearest(asked, semantic_cache::neighbours);
              !near.empty() && near.front().similarity > best.similarity)
            best = near.front();
      }));
    }
    return {};
  }

  const cache_capacity_options& options_;
  const say_function& say_;
  capacity_data data_;
  scratch_folder folder_;
  answer_store_settings where_;
  keeper_settings settings_;
  hot_cache_settings hot_;
  std::unique_ptr<answer_store> store_;
  std::unique_ptr<cache_keeper> keeper_;
  std::unique_ptr<hot_cache> l1_;
  std::vector<keeper_word> heard_;
  std::chrono::nanoseconds filling_{0};
  std::mt19937_64 random_{1};
  cache_capacity_report out_;
};

} // namespace

caf::expected<cache_capacity_report> run_cache_capacity(const cache_capacity_options& options,
                                                        const say_function& say) {
  if (options.vectors == 0 || options.vectors >= options.entries ||
      options.cache_size > options.entries - options.vectors)
    return make_error(ec::bad_argument, "of --entries there have to be more than --vectors and "
                                        "--cache-size together, and at least one vector");
  return capacity_bench{options, say}.run();
}

} // namespace sluice
