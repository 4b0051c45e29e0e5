#include "runtime/ec.hpp"
#include "storage/answer_store.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>

/// Times the database of answers, and beside it RocksDB with the same options and the same bytes,
/// one key and value an entry: without checksums of our own, families, uses, sums and the look at
/// what stood there before.
namespace sluice {
namespace {

using steady = std::chrono::steady_clock;
namespace fs = std::filesystem;

struct options {
  std::string folder = "build/cache_store_bench";
  uint64_t entries = 1'000'000; ///< what the design asks for
  size_t content_bytes = 1'000; ///< about an answer of 200 words
  size_t encoding_bytes = 400;  ///< a vector of MiniLM in eight bits, with its scale
  uint64_t lookups = 100'000;   ///< enough for a steady p99
  bool json = false;
};

constexpr sys_seconds day{std::chrono::seconds{1'800'000'000}};

double since(steady::time_point start) {
  return std::chrono::duration<double>(steady::now() - start).count();
}

/// Resident memory of this process in MiB, or how much of it there ever was.
double memory_mib(const std::string& field) {
  std::ifstream status{"/proc/self/status"};
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(field + ":"))
      return std::stod(line.substr(field.size() + 1)) / 1024;
  return 0;
}

double folder_mib(const fs::path& path) {
  uintmax_t bytes = 0;
  for (auto& x : fs::directory_iterator{path})
    bytes += x.file_size();
  return static_cast<double>(bytes) / 1024 / 1024;
}

/// Words as often as in English, of which texts compress about as answers do.
class texts {
public:
  texts() {
    std::mt19937_64 random{1};
    for (auto& word : words_)
      for (auto left = 2 + random() % 8; left > 0; --left)
        word += static_cast<char>('a' + random() % 26);
  }
  std::string operator()(std::mt19937_64& random, size_t size) const {
    std::string result;
    while (result.size() < size) {
      // Zipf's law by inversion: rank r with a chance of about 1 / r.
      auto u = static_cast<double>(random() >> 11) * 0x1p-53;
      result += words_[static_cast<size_t>(std::pow(words_.size(), u)) - 1];
      result += random() % 12 == 0 ? ". " : " ";
    }
    result.resize(size);
    return result;
  }

private:
  std::array<std::string, 5'000> words_;
};

class bench {
public:
  explicit bench(const options& wanted) : wanted_(wanted) {
    settings_.path = (fs::path{wanted.folder} / "answers").string();
    settings_.bytes_max = ~uint64_t{0};
    settings_.seed = 1;
  }

  int run() {
    fs::remove_all(wanted_.folder);
    fs::create_directories(wanted_.folder);
    // The reference first: what it leaves in memory is then known and given back as far as it goes.
    if (!reference() || !insert() || !open_again() || !look_up() || !scan())
      return 1;
    result_["rss_peak_mib"] = memory_mib("VmHWM");
    print();
    fs::remove_all(wanted_.folder);
    return 0;
  }

private:
  static bool failed(const caf::error& error) {
    if (error)
      std::cerr << "cache_store_bench: " << message_of(error) << "\n";
    return static_cast<bool>(error);
  }
  static bool failed(const rocksdb::Status& x) {
    if (!x.ok())
      std::cerr << "cache_store_bench: " << x.ToString() << "\n";
    return !x.ok();
  }
  static fingerprint key_of_number(uint64_t number) {
    std::mt19937_64 random{number};
    auto high = random();
    return {high, random()};
  }
  answer_record entry(uint64_t number) const {
    std::mt19937_64 random{number};
    answer_record x;
    x.meta.key.high = random();
    x.meta.key.low = random();
    x.meta.scope = {1, number % 100};
    x.meta.tenant = "tenant-" + std::to_string(number % 100);
    x.meta.question = texts_(random, 60);
    x.meta.encoding.resize(wanted_.encoding_bytes);
    for (auto& c : x.meta.encoding)
      c = static_cast<char>(random());
    x.meta.created = day;
    x.meta.expires = day + std::chrono::hours{24};
    x.meta.use = {1, day};
    x.answer.content = texts_(random, wanted_.content_bytes);
    x.answer.deployment = "gpt-4o-mini";
    x.answer.usage_known = true;
    return x;
  }

  /// Microseconds of one lookup each, of random keys from the number `first` on: the median and the
  /// hundredth worst.
  template <class Lookup>
  bool time_lookups(const std::string& name, uint64_t first, Lookup lookup) {
    std::mt19937_64 random{2};
    std::vector<double> times;
    for (uint64_t i = 0; i < wanted_.lookups; ++i) {
      auto key = key_of_number(first + random() % wanted_.entries);
      auto start = steady::now();
      if (!lookup(key))
        return false;
      times.push_back(since(start) * 1e6);
    }
    std::ranges::sort(times);
    result_[name + "_p50_us"] = times[times.size() / 2];
    result_[name + "_p99_us"] = times[times.size() * 99 / 100];
    return true;
  }

  bool reference() {
    auto path = (fs::path{wanted_.folder} / "plain").string();
    auto options = answer_options(settings_);
    options.write_buffer_size = 8 * 1024 * 1024;
    rocksdb::DB* opened = nullptr;
    if (failed(rocksdb::DB::Open(options, path, &opened)))
      return false;
    std::unique_ptr<rocksdb::DB> db{opened};
    double seconds = 0;
    for (uint64_t i = 0; i < wanted_.entries; ++i) {
      auto x = entry(i);
      auto key = key_bytes(x.meta.key);
      auto value = encode_content(key, x) + encode_meta(key, x.meta);
      auto start = steady::now();
      if (failed(db->Put({}, key, value)))
        return false;
      seconds += since(start);
    }
    result_["plain_inserts_per_s"] = static_cast<double>(wanted_.entries) / seconds;
    std::string value;
    auto done = time_lookups("plain_hit", 0, [&](const fingerprint& key) {
      return !failed(db->Get({}, key_bytes(key), &value));
    });
    done = done && time_lookups("plain_miss", wanted_.entries, [&](const fingerprint& key) {
             return db->Get({}, key_bytes(key), &value).IsNotFound();
           });
    rocksdb::FlushOptions flush;
    if (failed(db->Flush(flush)))
      return false;
    result_["plain_disk_mib"] = folder_mib(path);
    db.reset();
    fs::remove_all(path);
    return done;
  }

  bool open() {
    auto x = answer_store::open(settings_, day);
    if (!x)
      return !failed(x.error());
    store_ = std::move(x->store);
    result_["compression"] = x->what.compression;
    return true;
  }

  bool insert() {
    auto before = memory_mib("VmRSS");
    if (!open())
      return false;
    double seconds = 0;
    for (uint64_t i = 0; i < wanted_.entries; ++i) {
      auto x = entry(i);
      auto start = steady::now();
      if (failed(store_->put(x, day)))
        return false;
      seconds += since(start);
    }
    result_["inserts_per_s"] = static_cast<double>(wanted_.entries) / seconds;
    result_["rss_added_by_inserts_mib"] = memory_mib("VmRSS") - before;
    result_["live_mib"] = static_cast<double>(store_->stats().bytes) / 1024 / 1024;
    store_.reset();
    result_["disk_mib"] = folder_mib(settings_.path);
    return true;
  }

  bool open_again() {
    auto start = steady::now();
    if (!open())
      return false;
    result_["open_s"] = since(start);
    result_["entries"] = store_->stats().entries;
    return store_->stats().entries == wanted_.entries;
  }

  bool look_up() {
    auto before = memory_mib("VmRSS");
    auto done = time_lookups("hit", 0, [&](const fingerprint& key) {
      auto x = store_->get(key, day);
      return x && *x && (*x)->answer.content.size() == wanted_.content_bytes;
    });
    done = done && time_lookups("miss", wanted_.entries, [&](const fingerprint& key) {
             auto x = store_->get(key, day);
             return x && !*x;
           });
    result_["rss_added_by_lookups_mib"] = memory_mib("VmRSS") - before;
    return done;
  }

  bool scan() {
    auto start = steady::now();
    uint64_t seen = 0;
    for (std::optional<fingerprint> at = fingerprint{}; at;) {
      auto page = store_->scan_meta(*at, 1'000, day);
      if (!page)
        return !failed(page.error());
      seen += page->entries.size();
      at = page->next;
    }
    result_["meta_scan_s"] = since(start);
    start = steady::now();
    hot_search search;
    search.count = 1'000;
    search.as_of = day;
    while (search.from)
      if (failed(store_->search_hottest(search, 2'048)))
        return false;
    // In steps as the keeper takes them, between which it answers.
    result_["hottest_1000_s"] = since(start);
    start = steady::now();
    if (auto made = store_->make_room(day, 1'000); !made)
      return !failed(made.error());
    result_["sweep_1000_ms"] = since(start) * 1e3;
    return seen == wanted_.entries;
  }

  void print() {
    auto ratio = [&](const char* name, const char* of, const char* to) {
      result_[name] = result_[of].get<double>() / result_[to].get<double>();
    };
    ratio("insert_ratio", "inserts_per_s", "plain_inserts_per_s");
    ratio("hit_p50_ratio", "hit_p50_us", "plain_hit_p50_us");
    ratio("miss_p50_ratio", "miss_p50_us", "plain_miss_p50_us");
    ratio("disk_ratio", "disk_mib", "plain_disk_mib");
    if (wanted_.json)
      std::cout << result_.dump() << "\n";
    else
      for (auto& [name, value] : result_.items())
        std::cout << name << " " << value << "\n";
  }

  options wanted_;
  answer_store_settings settings_;
  texts texts_;
  std::unique_ptr<answer_store> store_;
  nlohmann::ordered_json result_;
};

} // namespace
} // namespace sluice

int main(int argc, char** argv) {
  sluice::options wanted;
  CLI::App app{"Times the database of answers beside plain RocksDB"};
  app.add_option("--folder", wanted.folder, "Emptied before and after")->capture_default_str();
  app.add_option("--entries", wanted.entries, "Answers")
      ->check(CLI::Range(uint64_t{1'000}, uint64_t{100'000'000}))
      ->capture_default_str();
  app.add_option("--content-bytes", wanted.content_bytes, "Of each answer")->capture_default_str();
  app.add_option("--encoding-bytes", wanted.encoding_bytes, "Of each vector")
      ->capture_default_str();
  app.add_option("--lookups", wanted.lookups, "Of each kind")
      ->check(CLI::Range(uint64_t{100}, uint64_t{100'000'000}))
      ->capture_default_str();
  app.add_flag("--json", wanted.json, "One JSON object instead of lines");
  CLI11_PARSE(app, argc, argv);
  return sluice::bench{wanted}.run();
}
