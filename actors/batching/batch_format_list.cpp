#include "actors/batching/batch_format_list.hpp"

#include "actors/batching/batch_format_usage.hpp"
#include "actors/batching/share_out.hpp"

#include <algorithm>
#include <numeric>

namespace sluice {

namespace {

/// What a token of text has on average in English, as providers tell their users.
constexpr size_t bytes_per_token = 4;

/// OpenAI's limit on choices of one prompt.
constexpr int64_t answers_max = 128;

/// What stands between the brackets of a list.
std::string_view inside(std::string_view list) {
  list.remove_prefix(std::min(list.find_first_not_of(" \n\r\t", 1), list.size()));
  list.remove_suffix(list.empty() ? 0 : 1);
  return list;
}

bool is_text(std::string_view value) {
  return value.starts_with('"');
}

/// Token ids of one input: a list of whole numbers, not empty.
bool is_token_ids(std::string_view value) {
  if (!value.starts_with('['))
    return false;
  auto ids = inside(value);
  return !ids.empty() && ids.find_first_not_of("0123456789, \n\r\t") == std::string_view::npos;
}

/// The inputs, each as it stands in the body; none where there is nothing to join.
std::vector<std::string_view> inputs_of(std::string_view value) {
  if (is_text(value) || is_token_ids(value))
    return {value};
  if (!value.starts_with('['))
    return {};
  return read_json_items(value).value_or(std::vector<std::string_view>{});
}

/// The inputs as they stand in a list of several requests' inputs.
std::string_view joinable(std::string_view value) {
  return is_text(value) || is_token_ids(value) ? value : inside(value);
}

int64_t tokens_of(std::string_view input) {
  if (is_text(input))
    return static_cast<int64_t>(std::max<size_t>(json_string_bytes(input) / bytes_per_token, 1));
  return 1 + std::ranges::count(input, ',');
}

/// `n`, where the choices of each prompt can be told from the others' and their tokens belong to
/// it: `best_of` makes some that nobody sees, and `echo` mixes the prompt's in.
std::optional<uint32_t> answers_of(const json_fields& fields) {
  int64_t n = 1;
  auto said = sole_value(fields, "n");
  if (!said.empty() && said != "null") {
    auto number = read_json_count(said);
    if (!number || *number < 1 || *number > answers_max)
      return std::nullopt;
    n = *number;
  }
  if (!is_default(fields, "best_of", {std::to_string(n)}) || !is_default(fields, "echo", {"false"}))
    return std::nullopt;
  return static_cast<uint32_t>(n);
}

/// The items of a reply in the order of their indices.
std::optional<std::vector<const json_fields*>> in_order(const std::vector<json_fields>& items,
                                                        uint64_t wanted) {
  if (items.size() != wanted)
    return std::nullopt;
  std::vector<const json_fields*> result(items.size(), nullptr);
  for (const auto& item : items) {
    auto index = read_json_count(sole_value(item, "index"));
    if (!index || static_cast<uint64_t>(*index) >= result.size())
      return std::nullopt;
    auto& slot = result[static_cast<size_t>(*index)];
    if (slot != nullptr)
      return std::nullopt;
    slot = &item;
  }
  return result;
}

uint64_t items_of(const batch_terms& x) {
  return uint64_t{x.inputs} * x.answers;
}

using item_span = std::span<const json_fields* const>;

/// What a member's items weigh: its own estimate of the input, and the texts it was given.
token_usage weight_of(endpoint kind, const batch_terms& terms, item_span items) {
  auto output = terms.tokens;
  if (kind == endpoint::completions) {
    output = 0;
    for (const auto* x : items)
      output += static_cast<int64_t>(json_string_bytes(sole_value(*x, "text")));
  }
  return {terms.tokens, terms.tokens, terms.tokens, output, output};
}

void append_items(std::string& out, item_span items) {
  out += '[';
  for (size_t i = 0; i < items.size(); ++i) {
    out += i == 0 ? "{" : ",{";
    for (const auto& x : *items[i])
      append_json_field(out, x.key, x.key == "index" ? std::to_string(i) : x.value);
    out += '}';
  }
  out += ']';
}

/// The fields of the whole with the member's own items and usage in place.
std::string write_body(endpoint kind, const json_fields& whole, std::string_view items_key,
                       item_span items, const std::optional<token_usage>& usage) {
  std::string out = "{";
  for (const auto& x : whole) {
    if (x.key == "usage")
      continue;
    append_json_field(out, x.key, x.key == items_key ? std::string_view{} : x.value);
    if (x.key == items_key)
      append_items(out, items);
  }
  if (usage)
    append_json_field(out, "usage", write_usage(kind, *usage));
  return out + "}";
}

} // namespace

std::string_view inputs_key(endpoint kind) {
  return kind == endpoint::embeddings ? "input" : "prompt";
}

std::optional<list_terms> read_list_terms(endpoint kind, const json_fields& fields) {
  auto inputs = inputs_of(sole_value(fields, inputs_key(kind)));
  if (inputs.empty() || !is_default(fields, "stream", {"false"}))
    return std::nullopt;
  list_terms result;
  result.token_ids = !is_text(inputs.front());
  result.terms.inputs = static_cast<uint32_t>(inputs.size());
  for (auto input : inputs) {
    bool fits = result.token_ids ? is_token_ids(input) : is_text(input);
    // Providers refuse to embed nothing, and would refuse the neighbours with it.
    bool empty = kind == endpoint::embeddings && input == "\"\"";
    if (!fits || empty)
      return std::nullopt;
    result.terms.tokens += tokens_of(input);
  }
  if (kind == endpoint::completions) {
    auto answers = answers_of(fields);
    if (!answers)
      return std::nullopt;
    result.terms.answers = *answers;
  }
  return result;
}

std::string join_list_requests(endpoint kind, const std::vector<const std::string*>& bodies) {
  std::string result;
  std::string_view tail; // what stands behind the inputs of the first, which gives all parameters
  for (const auto* text : bodies) {
    std::string_view body = *text;
    auto fields = read_json_fields(body);
    auto value = fields ? sole_value(*fields, inputs_key(kind)) : std::string_view{};
    if (value.empty())
      return {};
    if (result.empty()) {
      auto offset = static_cast<size_t>(value.data() - body.data());
      result.append(body.substr(0, offset)).append("[");
      tail = body.substr(offset + value.size());
    } else {
      result += ',';
    }
    result += joinable(value);
  }
  result += ']';
  return result.append(tail);
}

caf::expected<std::vector<batch_part>> split_list_reply(endpoint kind,
                                                        const batch_reply_context& reply,
                                                        const std::vector<batch_terms>& members) {
  auto key = std::string_view{kind == endpoint::embeddings ? "data" : "choices"};
  auto bad = [] {
    return make_error(ec::upstream_bad_response,
                      "The upstream's reply to a batch does not have an item for each input.");
  };
  auto whole = read_json_fields(reply.body);
  auto objects = whole ? read_json_objects(sole_value(*whole, key)) : std::nullopt;
  if (!objects)
    return bad();
  auto wanted = std::accumulate(members.begin(), members.end(), uint64_t{0},
                                [](uint64_t sum, auto& x) { return sum + items_of(x); });
  auto items = in_order(*objects, wanted);
  if (!items)
    return bad();
  std::vector<item_span> own;
  std::vector<token_usage> weights;
  std::vector<int64_t> tokens;
  auto left = item_span{*items};
  for (const auto& x : members) {
    own.push_back(left.first(items_of(x)));
    left = left.subspan(items_of(x));
    weights.push_back(weight_of(kind, x, own.back()));
    tokens.push_back(x.tokens);
  }
  std::vector<batch_part> result(members.size());
  std::vector<token_usage> usages;
  std::optional<std::vector<nanousd>> costs;
  if (reply.usage_known) {
    usages = share_usage(reply.usage, weights, tokens);
    if (reply.price)
      costs = share_cost(usages, *reply.price);
  }
  for (size_t i = 0; i < result.size(); ++i) {
    auto& part = result[i];
    part.usage_known = reply.usage_known;
    part.cost_known = costs.has_value();
    if (reply.usage_known)
      part.usage = usages[i];
    if (costs)
      part.cost = (*costs)[i];
    part.body = write_body(kind, *whole, key, own[i],
                           reply.usage_known ? std::optional{part.usage} : std::nullopt);
  }
  return result;
}

} // namespace sluice
