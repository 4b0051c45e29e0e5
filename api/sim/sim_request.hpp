#pragma once

#include "api/sim/sim_fields.hpp"
#include "runtime/messages.hpp"
#include "runtime/sim_models.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sluice {

/// One thing to answer. A chat is one; a list of prompts or inputs is as many as its items, and so
/// is a chat that holds several questions.
struct sim_prompt {
  std::string text;  ///< what the user said last; empty for token ids
  uint64_t hash = 0; ///< of everything that the answer follows from
  int64_t tokens = 0;
};

/// What the answer must be.
enum class sim_form : uint8_t {
  text,
  json_object,
  json_schema, ///< a JSON value that fits `schema`
  tool_call,   ///< a call of `tool` whose arguments fit `schema`
  packed,      ///< an answer to each of the prompts, in one JSON value
};

/// A request in the OpenAI dialect as far as the simulator heeds it. What it does not heed it
/// accepts, as providers do with fields that they do not know.
struct sim_request {
  endpoint kind = endpoint::chat_completions;
  std::string model;
  const sim_model* row = nullptr; ///< that it behaves as
  std::vector<sim_prompt> prompts;
  int64_t n = 1;          ///< answers a prompt
  int64_t output_max = 0; ///< tokens of one answer, reasoning included
  std::vector<std::string> stop;
  bool stream = false;
  bool include_usage = false;

  sim_form form = sim_form::text;
  nlohmann::json schema;
  std::string tool;        ///< name of the function
  bool tool_named = false; ///< the caller named it: then the finish reason is "stop"

  int64_t dimensions = 0; ///< of an embedding
  bool base64 = false;

  int64_t prompt_tokens() const {
    int64_t result = 0;
    for (const auto& x : prompts)
      result += x.tokens;
    return result;
  }
};

/// What a request is read with.
struct sim_reading {
  endpoint kind = endpoint::chat_completions;
  uint64_t seed = 0;
  bool any_model = true; ///< names outside the table are taken too
};

/// Lists of one call (prompts, inputs, chats) hold at most so many: OpenAI's limit on the inputs of
/// an embeddings call, taken for all.
constexpr size_t sim_items_max = 2'048;

/// Answers of one call, which are worked out at once; keeps a call below some 50 MB.
constexpr int64_t sim_answers_max = 4'096;

/// Reads the body of a request, or says what a provider would say against it. Of any endpoint but
/// `chat_batch`, which `sim_chat_batch.hpp` reads.
std::variant<sim_request, sim_refusal> read_sim_request(const sim_reading& how,
                                                        std::string_view body);

/// The same of a body that has been parsed, which is an object.
std::variant<sim_request, sim_refusal> read_sim_object(const sim_reading& how,
                                                       const nlohmann::json& body);

/// Parses a body into the object that it must be, or says what a provider would say against it.
std::optional<sim_refusal> parse_sim_body(std::string_view body, nlohmann::json& to);

/// Reads 'model': `model` and `row` of a request whose `kind` is known.
void read_sim_model(sim_request& to, sim_fields& from, bool any_model);

/// How the endpoints read what is theirs; `model`, `row` and `kind` are there.
void read_sim_chat(sim_request& to, sim_fields& from, uint64_t seed);
void read_sim_completion(sim_request& to, sim_fields& from, uint64_t seed);
void read_sim_embedding(sim_request& to, sim_fields& from, uint64_t seed);

/// Reads 'prompt' or 'input': a string, strings, token ids, or lists of token ids.
void read_sim_prompts(sim_request& to, sim_fields& from, const char* name, uint64_t seed);

/// Reads what chats and completions have in common.
void read_sim_sampling(sim_request& to, sim_fields& from);

} // namespace sluice
