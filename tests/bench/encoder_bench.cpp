#include "actors/cache/encoder/sentence_encoder.hpp"
#include "runtime/ec.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <iostream>

/// Times the sentence encoder on one core: a line or a JSON object for each number of tokens.
namespace sluice {
namespace {

struct options {
  std::string model = "build/models/all-minilm-l6-v2";
  /// Enough for a steady median in some seconds, at 50 ms for the longest.
  size_t rounds = 60;
  /// A short question, a usual one, and one with context.
  std::vector<size_t> tokens{9, 36, 128};
  bool json = false;
};

struct timing {
  size_t tokens = 0;
  double median_ms = 0;
  double least_ms = 0; ///< what the machine could do while nobody else used it
};

/// A text of exactly `tokens` tokens, with the two around it.
std::string text_of(size_t tokens) {
  std::string result;
  for (size_t i = 2; i < tokens; ++i)
    result += i % 2 == 0 ? "table " : "word ";
  return result;
}

timing measure(const sentence_encoder& encoder, size_t tokens, size_t rounds) {
  using clock = std::chrono::steady_clock;
  sentence_encoder::workspace space;
  auto text = text_of(tokens);
  std::string_view view = text;
  std::vector<double> times;
  // The first two fill caches and memory.
  for (size_t i = 0; i < rounds + 2; ++i) {
    auto start = clock::now();
    if (!encoder.encode({&view, 1}, space))
      return {};
    times.push_back(std::chrono::duration<double, std::milli>(clock::now() - start).count());
  }
  times.erase(times.begin(), times.begin() + 2);
  std::ranges::sort(times);
  return {encoder.token_count(text), times[times.size() / 2], times.front()};
}

const char* to_text(encoder_precision x) {
  return x == encoder_precision::int8 ? "int8" : "fp32";
}

int run(const options& wanted) {
  auto all = nlohmann::json::array();
  for (auto precision : {encoder_precision::fp32, encoder_precision::int8}) {
    auto encoder = sentence_encoder::load(wanted.model, precision);
    if (!encoder) {
      std::cerr << "encoder_bench: " << message_of(encoder.error()) << "\n";
      return 1;
    }
    if ((*encoder)->precision() != precision) {
      std::cerr << "encoder_bench: this processor has no exact " << to_text(precision) << "\n";
      continue;
    }
    for (auto tokens : wanted.tokens) {
      auto x = measure(**encoder, tokens, wanted.rounds);
      if (wanted.json)
        all.push_back({{"encoder", to_text(precision)},
                       {"tokens", x.tokens},
                       {"median_ms", x.median_ms},
                       {"least_ms", x.least_ms}});
      else
        std::printf("%s %4zu tokens: median %6.2f ms, least %6.2f ms\n", to_text(precision),
                    x.tokens, x.median_ms, x.least_ms);
    }
  }
  if (wanted.json)
    std::cout << all.dump() << "\n";
  return 0;
}

} // namespace
} // namespace sluice

int main(int argc, char** argv) {
  sluice::options wanted;
  CLI::App app{"Times the sentence encoder on one core"};
  app.add_option("--model", wanted.model, "Folder of the model")->capture_default_str();
  app.add_option("--rounds", wanted.rounds, "Encodings of each length")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  app.add_option("--tokens", wanted.tokens, "Lengths")
      ->delimiter(',')
      ->check(CLI::Range(size_t{2}, sluice::sentence_encoder::tokens_max))
      ->capture_default_str();
  app.add_flag("--json", wanted.json, "One JSON list instead of lines");
  CLI11_PARSE(app, argc, argv);
  return sluice::run(wanted);
}
