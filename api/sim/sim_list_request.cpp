#include "api/sim/sim_request.hpp"

namespace sluice {
namespace {

/// The default of `max_tokens` in the completions API.
constexpr int64_t completion_tokens_default = 16;

/// OpenAI's limits on one embeddings call: tokens of one input, and of all together.
constexpr int64_t input_tokens_max = 8'192, inputs_tokens_max = 300'000;

/// What common embedding models give, and the most that any of them gives.
constexpr int64_t dimensions_default = 1'536, dimensions_max = 3'072;

} // namespace

void read_sim_completion(sim_request& to, sim_fields& from, uint64_t seed) {
  read_sim_prompts(to, from, "prompt", seed);
  read_sim_sampling(to, from);
  auto output_max = from.whole_number("max_tokens", 1, to.row->output_tokens_max);
  to.output_max = output_max.value_or(completion_tokens_default);
  for (const auto& x : to.prompts)
    if (x.tokens > to.row->context_tokens_max)
      return from.refuse("prompt",
                         "This model's maximum context length is " +
                             std::to_string(to.row->context_tokens_max) + " tokens.",
                         "context_length_exceeded");
}

void read_sim_embedding(sim_request& to, sim_fields& from, uint64_t seed) {
  read_sim_prompts(to, from, "input", seed);
  for (size_t i = 0; i < to.prompts.size(); ++i) {
    const auto& x = to.prompts[i];
    auto name = to.prompts.size() == 1 ? std::string{"input"} : "input[" + std::to_string(i) + "]";
    if (x.tokens == 0)
      return from.refuse(name, "'" + name + "' cannot be an empty string.", "invalid_value");
    if (x.tokens > input_tokens_max)
      return from.refuse(
          name, "'" + name + "' has " + std::to_string(x.tokens) + " tokens; the maximum is 8192.",
          "context_length_exceeded");
  }
  if (to.prompt_tokens() > inputs_tokens_max)
    return from.refuse("input", "The inputs have more than 300000 tokens together.",
                       "max_tokens_per_request");
  to.dimensions = from.whole_number("dimensions", 1, dimensions_max).value_or(dimensions_default);
  // Some servers refuse null here, so that a gateway which sends it instead of nothing is found.
  const auto& body = from.object();
  auto format = body.find("encoding_format");
  if (format != body.end() && *format != "float" && *format != "base64")
    return from.refuse("encoding_format", "'encoding_format' must be 'float' or 'base64'.",
                       "invalid_value");
  to.base64 = format != body.end() && *format == "base64";
}

} // namespace sluice
