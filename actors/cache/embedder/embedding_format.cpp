#include "actors/cache/embedder/embedding_format.hpp"

#include "actors/cache/calls/text_beginning.hpp"
#include "actors/cache/judge/embedding_judge.hpp"
#include "runtime/ec.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <simdjson.h>

#include <cmath>

namespace sluice {

namespace {

namespace dom = simdjson::dom;

caf::error wrong(std::string what) {
  return make_error(ec::upstream_bad_response, std::move(what));
}

/// False where it has no direction.
bool make_unit(std::vector<float>& x) {
  double square = 0;
  for (auto value : x)
    square += static_cast<double>(value) * static_cast<double>(value);
  if (!(square > 0) || !std::isfinite(square))
    return false;
  auto length = std::sqrt(square);
  for (auto& value : x)
    value = static_cast<float>(static_cast<double>(value) / length);
  return true;
}

caf::error read_vector(dom::element from, size_t dimensions, std::vector<float>& to) {
  dom::array numbers;
  if (from["embedding"].get(numbers) != simdjson::SUCCESS)
    return wrong("a vector is no list of numbers");
  if (numbers.size() != dimensions)
    return wrong(fmt::format("a vector has {} numbers, and cache.similar.embeddings.dimensions "
                             "says {}",
                             numbers.size(), dimensions));
  to.reserve(dimensions);
  for (auto each : numbers) {
    double value = 0;
    if (each.get(value) != simdjson::SUCCESS)
      return wrong("a vector has something that is no number");
    to.push_back(static_cast<float>(value));
  }
  return make_unit(to) ? caf::error{} : wrong("a vector has no direction");
}

} // namespace

std::string embedding_request(const std::vector<std::string>& texts,
                              std::string_view upstream_model) {
  auto input = nlohmann::json::array();
  for (auto& x : texts)
    input.push_back(x.empty() ? std::string_view{" "} : text_beginning(x, embedded_bytes_max));
  const nlohmann::ordered_json body{
      {"model", upstream_model}, {"input", std::move(input)}, {"encoding_format", "float"}};
  // Texts of callers are UTF-8 or nearly so.
  return body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

caf::expected<std::vector<std::vector<float>>> embeddings_of(const std::string& reply, size_t count,
                                                             size_t dimensions) {
  dom::parser parser;
  dom::element root;
  dom::array data;
  if (parser.parse(reply).get(root) != simdjson::SUCCESS ||
      root["data"].get(data) != simdjson::SUCCESS)
    return wrong("the reply has no list of vectors");
  if (data.size() != count)
    return wrong(fmt::format("{} vectors came for {} texts", data.size(), count));
  std::vector<std::vector<float>> result(count);
  for (auto each : data) {
    uint64_t index = 0;
    if (each["index"].get(index) != simdjson::SUCCESS || index >= count || !result[index].empty())
      return wrong("the vectors are not numbered like the texts");
    if (auto error = read_vector(each, dimensions, result[index]))
      return error;
  }
  return result;
}

} // namespace sluice
