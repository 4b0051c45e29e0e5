#include "actors/batching/batch_format_json.hpp"
#include "actors/batching/batch_format_usage.hpp"
#include "actors/batching/pack_format.hpp"
#include "actors/batching/share_out.hpp"
#include "runtime/pack_prompt.hpp"

#include <simdjson.h>

#include <algorithm>

namespace sluice {

namespace {

using std::string_view;
namespace dom = simdjson::dom;

/// What one item of a packed prompt takes beside its question, and what the instruction and the
/// schema take, at four bytes a token.
constexpr int64_t item_tokens = 8;
constexpr int64_t fixed_tokens =
    static_cast<int64_t>((pack_instruction.size() + pack_response_format.size()) / 4);

/// What the reply says about one item.
struct packed_answer {
  std::string text;
  uint32_t times = 0;
  int64_t bytes = 0; ///< of all that was said about it, which took tokens

  bool valid() const {
    return times == 1 && text.find_first_not_of(" \t\r\n") != std::string::npos;
  }
};

/// The number and the text of an entry; false where it is not exactly that.
bool read_entry(dom::element entry, uint64_t& number, string_view& text) {
  dom::object object;
  if (entry.get(object) != simdjson::SUCCESS || object.size() != 2)
    return false;
  return object["item"].get(number) == simdjson::SUCCESS &&
         object["answer"].get(text) == simdjson::SUCCESS;
}

/// What the content of a reply says about each of `count` items. Nothing where it is no such JSON.
std::vector<packed_answer> read_answers(const std::string& content, size_t count) {
  std::vector<packed_answer> result(count);
  dom::parser parser;
  dom::object root;
  dom::array entries;
  if (parser.parse(content).get(root) != simdjson::SUCCESS ||
      root["answers"].get(entries) != simdjson::SUCCESS)
    return result;
  for (auto entry : entries) {
    uint64_t number = 0;
    string_view text;
    if (!read_entry(entry, number, text) || number < 1 || number > count)
      continue;
    auto& to = result[number - 1];
    to.text = text;
    to.bytes += static_cast<int64_t>(text.size());
    ++to.times;
  }
  return result;
}

/// The text of the only choice, where it was finished and not refused.
std::optional<std::string> content_of(const json_fields& reply) {
  auto choices = read_json_objects(sole_value(reply, "choices"));
  if (!choices || choices->size() != 1 ||
      sole_value(choices->front(), "finish_reason") != "\"stop\"")
    return std::nullopt;
  auto message = read_json_fields(sole_value(choices->front(), "message"));
  if (!message || !is_default(*message, "refusal", {}))
    return std::nullopt;
  return read_json_text(sole_value(*message, "content"));
}

std::string choices_of(const std::string& answer) {
  std::string result = R"([{"index":0,"message":{"role":"assistant","content":)";
  append_json_text(result, answer);
  return result + R"(,"refusal":null},"logprobs":null,"finish_reason":"stop"}])";
}

/// The reply as it would be to one question alone. What the upstream says of the call is kept, but
/// not what it says beside the content (its thoughts are about everybody's questions).
std::string body_of(const json_fields& reply, const std::string& answer, size_t number,
                    const batch_part& part) {
  std::string result = "{";
  for (const auto& x : reply) {
    if (x.key == "id" && x.value.size() > 2 && x.value.ends_with('"'))
      append_json_field(result, x.key,
                        std::string{x.value.substr(0, x.value.size() - 1)} + "-" +
                            std::to_string(number) + "\"");
    else if (x.key == "choices")
      append_json_field(result, x.key, choices_of(answer));
    else if (x.key == "usage" && part.usage_known)
      append_json_field(result, x.key, write_usage(endpoint::chat_completions, part.usage));
    else if (x.key != "usage")
      append_json_field(result, x.key, x.value);
  }
  return result + "}";
}

/// Tokens that a request's messages take where it travels alone.
int64_t alone_tokens(const batch_terms& x) {
  return x.shared_tokens + x.tokens;
}

/// Divides usage and cost: input as each would have had alone, so that all save the same share of
/// it; output by the length of the answers.
void charge(std::vector<batch_part>& parts, const batch_reply_context& reply,
            const std::vector<batch_terms>& members, const std::vector<packed_answer>& answers) {
  if (!reply.usage_known)
    return;
  std::vector<token_usage> weights;
  std::vector<int64_t> inputs;
  auto estimate = fixed_tokens;
  for (size_t i = 0; i < members.size(); ++i) {
    auto input = alone_tokens(members[i]);
    inputs.push_back(input);
    weights.push_back({input, input, input, answers[i].bytes, answers[i].bytes});
    estimate += members[i].tokens + item_tokens + (i == 0 ? members[i].shared_tokens : 0);
  }
  auto usages = share_usage(reply.usage, weights, inputs);
  auto costs = reply.price ? share_cost(usages, *reply.price) : std::nullopt;
  auto took = reply.usage.input_total();
  for (size_t i = 0; i < parts.size(); ++i) {
    parts[i].usage = usages[i];
    parts[i].usage_known = true;
    parts[i].cost_known = costs.has_value();
    if (costs)
      parts[i].cost = (*costs)[i];
    // As many real tokens to an estimated one as in the call itself.
    auto alone = took / estimate * inputs[i] + took % estimate * inputs[i] / estimate;
    parts[i].input_saved = alone - usages[i].input_total();
  }
}

} // namespace

std::vector<batch_part> split_packed(const batch_reply_context& reply,
                                     const std::vector<batch_terms>& members) {
  std::vector<batch_part> result(members.size());
  auto fields = read_json_fields(reply.body);
  auto content = fields ? content_of(*fields) : std::nullopt;
  auto answers = read_answers(content.value_or(""), members.size());
  charge(result, reply, members, answers);
  for (size_t i = 0; i < result.size(); ++i) {
    auto& part = result[i];
    if (answers[i].valid()) {
      part.body = body_of(*fields, answers[i].text, i + 1, part);
      continue;
    }
    part.why.code = ec::upstream_bad_response;
    part.why.message = "A packed reply has no valid answer to this question.";
    part.input_saved = -part.usage.input_total();
  }
  return result;
}

} // namespace sluice
