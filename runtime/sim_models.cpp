#include "runtime/sim_models.hpp"

#include <array>

namespace sluice {
namespace {

constexpr std::array text_endpoints{endpoint::chat_completions, endpoint::completions};
constexpr std::array embedding_endpoints{endpoint::embeddings};

/// Cents per million tokens, in the unit of `token_price`.
constexpr int64_t cents = 10'000'000;

/// Illustrative prices. They have the spread that public price lists show between the smallest and
/// the strongest model of a provider (a factor of 100), cached input at a quarter of fresh input,
/// writing to the prompt cache at the price of fresh input, and reasoning at the price of output.
/// Context and output limits are those of common models of each class; lengths are what short
/// questions get.
constexpr std::array<sim_model, 5> table{{
    {"sim-simple",
     text_endpoints,
     {10 * cents, 10 * cents / 4, 10 * cents, 40 * cents, 40 * cents},
     128'000,
     16'384,
     32,
     0},
    {"sim-medium",
     text_endpoints,
     {40 * cents, 10 * cents, 40 * cents, 160 * cents, 160 * cents},
     128'000,
     16'384,
     64,
     0},
    {"sim-complex",
     text_endpoints,
     {200 * cents, 50 * cents, 200 * cents, 800 * cents, 800 * cents},
     200'000,
     32'768,
     128,
     0},
    {"sim-very-complex",
     text_endpoints,
     {1'000 * cents, 250 * cents, 1'000 * cents, 4'000 * cents, 4'000 * cents},
     200'000,
     100'000,
     160,
     192},
    {"sim-embedding", embedding_endpoints, {2 * cents, 0, 0, 0, 0}, 8'192, 0, 0, 0},
}};

} // namespace

std::span<const sim_model> sim_models() {
  return table;
}

const sim_model* find_sim_model(std::string_view name) {
  for (const auto& row : table)
    if (row.name == name)
      return &row;
  return nullptr;
}

const sim_model& sim_model_for(std::string_view name, endpoint kind) {
  if (const auto* row = find_sim_model(name))
    return *row;
  if (kind == endpoint::embeddings)
    return table[4];
  return name.find("very-complex") != std::string_view::npos ? table[3] : table[1];
}

} // namespace sluice
