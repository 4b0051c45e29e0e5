#include "api/sim/sim_request.hpp"

#include "api/sim/sim_hash.hpp"
#include "api/sim/sim_json.hpp"
#include "api/sim/sim_tokens.hpp"

namespace sluice {

using nlohmann::json;

namespace {

/// OpenAI's schemas allow ten levels; messages and tools put a few around them. Well below what
/// the recursive parts of a JSON library need stack for.
constexpr uint32_t depth_max = 64;

/// OpenAI's limits on `n` and on stop sequences.
constexpr int64_t n_max = 128;
constexpr size_t stops_max = 4;

sim_refusal unknown_model(const std::string& model) {
  return {404, "The model '" + model + "' does not exist or you do not have access to it.",
          "invalid_request_error", "model", "model_not_found"};
}

sim_refusal bad_body(std::string message) {
  sim_refusal result;
  result.message = std::move(message);
  return result;
}

void read_stop(sim_request& to, sim_fields& from) {
  const auto* stop = from.find("stop");
  if (stop == nullptr)
    return;
  bool fits = stop->is_string() || (stop->is_array() && stop->size() <= stops_max);
  if (fits && stop->is_array())
    for (const auto& x : *stop)
      fits = fits && x.is_string();
  if (!fits)
    return from.refuse("stop", "'stop' must be a string or a list of up to 4 strings.",
                       "invalid_type");
  if (stop->is_string())
    to.stop.push_back(stop->get<std::string>());
  else
    to.stop = stop->get<std::vector<std::string>>();
  std::erase(to.stop, std::string{});
}

void read_stream(sim_request& to, sim_fields& from) {
  to.stream = from.boolean("stream", false);
  const auto* options = from.find("stream_options");
  if (options == nullptr)
    return;
  if (!options->is_object())
    return from.refuse("stream_options", "'stream_options' must be an object.", "invalid_type");
  if (!to.stream)
    return from.refuse("stream_options",
                       "The 'stream_options' parameter is only allowed when 'stream' is enabled.");
  sim_fields inner{*options, from.refusal(), "stream_options."};
  to.include_usage = inner.boolean("include_usage", false);
}

bool is_token_ids(const json& x) {
  if (!x.is_array() || x.empty())
    return false;
  for (const auto& id : x)
    if (!id.is_number_unsigned())
      return false;
  return true;
}

sim_prompt prompt_of_ids(const json& ids, uint64_t seed) {
  sim_prompt result;
  result.tokens = static_cast<int64_t>(ids.size());
  result.hash = sim_hash(seed, "token ids");
  for (const auto& id : ids)
    result.hash = sim_mix(result.hash ^ id.get<uint64_t>());
  return result;
}

sim_prompt prompt_of_text(const json& text, uint64_t seed) {
  sim_prompt result;
  result.text = text.get<std::string>();
  result.tokens = sim_count_tokens(result.text);
  result.hash = sim_hash(seed, result.text);
  return result;
}

} // namespace

void read_sim_model(sim_request& to, sim_fields& from, bool any_model) {
  const auto* model = from.find("model");
  if (model == nullptr || (model->is_string() && model->get_ref<const std::string&>().empty()))
    return from.refuse("model", "you must provide a model parameter");
  if (!model->is_string())
    return from.refuse("model", "'model' must be a string.", "invalid_type");
  to.model = model->get<std::string>();
  const auto* known = find_sim_model(to.model);
  to.row = known != nullptr ? known : &sim_model_for(to.model, to.kind);
  if (known == nullptr && !any_model) {
    from.refusal() = unknown_model(to.model);
    return;
  }
  if (known == nullptr)
    return;
  for (auto x : known->endpoints)
    if (x == to.kind)
      return;
  from.refuse("model", "The model '" + to.model + "' does not serve /v1/" +
                           std::string{path_of(to.kind)} + ".");
}

void read_sim_prompts(sim_request& to, sim_fields& from, const char* name, uint64_t seed) {
  const auto* x = from.find(name);
  if (x == nullptr)
    return from.refuse(name, std::string{"Missing required parameter: '"} + name + "'.",
                       "missing_required_parameter");
  if (x->is_string()) {
    to.prompts.push_back(prompt_of_text(*x, seed));
    return;
  }
  if (is_token_ids(*x)) {
    to.prompts.push_back(prompt_of_ids(*x, seed));
    return;
  }
  auto what = std::string{"'"} + name + "' must be a string, a list of strings, a list of token " +
              "ids, or a list of lists of token ids, and not empty.";
  if (!x->is_array() || x->empty())
    return from.refuse(name, what, "invalid_type");
  if (x->size() > sim_items_max)
    return from.refuse(name, std::string{"'"} + name + "' can hold at most 2048 items.",
                       "array_above_max_length");
  for (const auto& item : *x) {
    if (item.is_string() && x->front().is_string())
      to.prompts.push_back(prompt_of_text(item, seed));
    else if (is_token_ids(item) && x->front().is_array())
      to.prompts.push_back(prompt_of_ids(item, seed));
    else
      return from.refuse(name, what, "invalid_type");
  }
}

void read_sim_sampling(sim_request& to, sim_fields& from) {
  if (auto n = from.whole_number("n", 1, n_max))
    to.n = *n;
  from.check_number("temperature", 0, 2);
  from.check_number("top_p", 0, 1);
  from.check_number("presence_penalty", -2, 2);
  from.check_number("frequency_penalty", -2, 2);
  read_stop(to, from);
  read_stream(to, from);
}

std::optional<sim_refusal> parse_sim_body(std::string_view body, json& to) {
  if (!json_depth_within(body, depth_max))
    return bad_body("The JSON of your request is nested too deeply.");
  to = json::parse(body, nullptr, false);
  if (to.is_discarded())
    return bad_body("We could not parse the JSON body of your request.");
  if (!to.is_object())
    return bad_body("The body of your request must be a JSON object.");
  return std::nullopt;
}

std::variant<sim_request, sim_refusal> read_sim_request(const sim_reading& how,
                                                        std::string_view body) {
  json parsed;
  if (auto why = parse_sim_body(body, parsed))
    return *std::move(why);
  return read_sim_object(how, parsed);
}

std::variant<sim_request, sim_refusal> read_sim_object(const sim_reading& how, const json& body) {
  std::optional<sim_refusal> refusal;
  sim_fields fields{body, refusal};
  sim_request result;
  result.kind = how.kind;
  read_sim_model(result, fields, how.any_model);
  if (refusal)
    return *std::move(refusal);
  auto seed = sim_hash(how.seed, result.model);
  if (auto asked = fields.whole_number("seed", INT64_MIN, INT64_MAX))
    seed = sim_mix(seed ^ static_cast<uint64_t>(*asked));
  switch (how.kind) {
  case endpoint::chat_batch: // has requests of its own in place of one
  case endpoint::chat_completions:
    read_sim_chat(result, fields, seed);
    break;
  case endpoint::completions:
    read_sim_completion(result, fields, seed);
    break;
  case endpoint::embeddings:
    read_sim_embedding(result, fields, seed);
    break;
  }
  if (result.n * static_cast<int64_t>(result.prompts.size()) > sim_answers_max)
    fields.refuse("n", "The simulator gives at most 4096 answers a call.", "invalid_value");
  if (refusal)
    return *std::move(refusal);
  return result;
}

} // namespace sluice
