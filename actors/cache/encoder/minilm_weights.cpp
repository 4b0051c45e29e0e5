#include "actors/cache/encoder/minilm_weights.hpp"

#include "actors/cache/encoder/minilm_outliers.hpp"
#include "actors/cache/encoder/row_math.hpp"

#include <algorithm>
#include <cmath>
#include <string>

namespace sluice {

namespace {

using namespace minilm;

/// Takes tensors out of the file and remembers what went wrong first, so that a list of them reads
/// as a list.
class tensor_reader {
public:
  explicit tensor_reader(const safetensors& file) : file_(file) {}

  std::span<const float> take(const std::string& name, std::vector<size_t> shape) {
    auto found =
        failure ? caf::expected<std::span<const float>>(failure) : file_.floats(name, shape);
    if (found)
      return *found;
    failure = found.error();
    return {};
  }

  norm_weights norm(const std::string& name) {
    return {take(name + ".weight", {width}), take(name + ".bias", {width})};
  }

  caf::error failure;

private:
  const safetensors& file_;
};

struct weight_and_bias {
  std::span<const float> weight;
  std::span<const float> bias;
};

weight_and_bias take_linear(tensor_reader& from, const std::string& name, size_t outputs,
                            size_t inputs) {
  return {from.take(name + ".weight", {outputs, inputs}), from.take(name + ".bias", {outputs})};
}

/// The three projections of attention, to be one product.
struct joined_projections {
  std::vector<float> weight;
  std::vector<float> bias;
};

joined_projections take_qkv(tensor_reader& from, const std::string& name) {
  joined_projections result;
  for (auto part : {"query", "key", "value"}) {
    auto [weight, bias] = take_linear(from, name + part, width, width);
    result.weight.insert(result.weight.end(), weight.begin(), weight.end());
    result.bias.insert(result.bias.end(), bias.begin(), bias.end());
  }
  if (from.failure)
    return {};
  auto scale = 1.0f / std::sqrt(static_cast<float>(head_width));
  auto times_scale = [&](float x) { return x * scale; };
  std::transform(result.weight.begin(), result.weight.begin() + width * width,
                 result.weight.begin(), times_scale);
  std::transform(result.bias.begin(), result.bias.begin() + width, result.bias.begin(),
                 times_scale);
  return result;
}

} // namespace

minilm_kernels::minilm_kernels(const dnnl::engine& engine, encoder_precision precision)
    : qkv(make_linear_kernels(engine, {width, 3 * width, epilogue::store}, precision)),
      mind(engine, {heads, head_width}),
      project(make_linear_kernels(engine, {width, width, epilogue::add}, precision)),
      widen(make_linear_kernels(engine, {width, wide, epilogue::gelu}, precision)),
      // Single precision always: two thirds of what eight bits do to all four was done here. GELU
      // leaves most inputs near zero and some, other ones in each row, far above.
      narrow(make_linear_kernels(engine, {wide, width, epilogue::add}, encoder_precision::fp32)) {}

caf::expected<minilm_weights> minilm_weights::load(const safetensors& file, size_t pieces,
                                                   const minilm_kernels& kernels) {
  minilm_weights result(file);
  tensor_reader from(file);
  result.words_ = from.take("embeddings.word_embeddings.weight", {pieces, width});
  result.positions_ = from.take("embeddings.position_embeddings.weight", {positions, width});
  result.type_ = from.take("embeddings.token_type_embeddings.weight", {types, width});
  result.embed_norm = from.norm("embeddings.LayerNorm");
  for (size_t i = 0; i < minilm::layers; ++i) {
    auto name = "encoder.layer." + std::to_string(i);
    auto qkv = take_qkv(from, name + ".attention.self.");
    auto project = take_linear(from, name + ".attention.output.dense", width, width);
    auto project_norm = from.norm(name + ".attention.output.LayerNorm");
    auto widen = take_linear(from, name + ".intermediate.dense", wide, width);
    auto narrow = take_linear(from, name + ".output.dense", width, wide);
    auto narrow_norm = from.norm(name + ".output.LayerNorm");
    if (from.failure)
      return from.failure;
    const auto& outliers = minilm_outliers[i];
    result.layers.push_back(
        {kernels.qkv->layer(qkv.weight, qkv.bias, &outliers.qkv),
         kernels.project->layer(project.weight, project.bias, nullptr), project_norm,
         kernels.widen->layer(widen.weight, widen.bias, &outliers.widen),
         kernels.narrow->layer(narrow.weight, narrow.bias, nullptr), narrow_norm});
  }
  return result;
}

void minilm_weights::embed(size_t number, size_t position, std::span<float> out) const {
  std::ranges::copy(words_.subspan(number * width, width), out.begin());
  add_row(positions_.subspan(position * width, width), out);
  // All is of the first type: the second is for the second of a pair of texts.
  add_row(type_.first(width), out);
}

} // namespace sluice
