#include "actors/cache/encoder/int8_linear.hpp"

#include "actors/cache/encoder/int8_math.hpp"
#include "actors/cache/encoder/row_buckets.hpp"

#include <algorithm>
#include <cassert>
#include <numeric>
#include <string_view>
#include <utility>

namespace sluice {

namespace {

using type = dnnl::memory::data_type;
using tag = dnnl::memory::format_tag;

} // namespace

/// The outliers of a layer and their weights, a row for each.
struct kept_inputs {
  outlier_inputs at;
  std::vector<float> weight;
};

class int8_linear : public linear {
public:
  int8_linear(const int8_linear_kernels& kernels, dnnl::memory weight, output_scales scales,
              std::optional<kept_inputs> kept)
      : kernels_(kernels), weight_(std::move(weight)), scales_(std::move(scales)),
        kept_(std::move(kept)) {}

  void apply(const float* x, size_t rows, float* y, onednn_run& run) const override {
    assert(rows > 0 && rows <= row_buckets::rows_max);
    const auto& [about, product, gelu] = kernels_.kernels_[row_buckets::index(rows)];
    run.codes.resize(std::max(run.codes.size(), about.src_desc().get_size()));
    run.sums.resize(std::max(run.sums.size(), about.dst_desc().get_size() / sizeof(int32_t)));
    quantise(x, rows, run);
    product.execute(run.stream,
                    {{DNNL_ARG_SRC, {about.src_desc(), run.engine, run.codes.data()}},
                     {DNNL_ARG_WEIGHTS, weight_},
                     {DNNL_ARG_DST, {about.dst_desc(), run.engine, run.sums.data()}},
                     {DNNL_ARG_SCRATCHPAD, run.scratchpad_for(about.scratchpad_desc())}});
    restore(x, rows, y, run);
    if (gelu) {
      auto outputs = kernels_.form_.outputs;
      auto padded = row_buckets::round_up(rows);
      // Numbers left from earlier calls would shrink each time until they are denormal and slow.
      std::fill(y + rows * outputs, y + padded * outputs, 0.0f);
      dnnl::memory values(onednn::matrix(padded, outputs, type::f32), run.engine, y);
      gelu->execute(run.stream, {{DNNL_ARG_SRC, values}, {DNNL_ARG_DST, values}});
    }
  }

private:
  void quantise(const float* x, size_t rows, onednn_run& run) const {
    auto inputs = kernels_.form_.inputs;
    run.ranges.resize(rows);
    run.row.resize(inputs);
    for (size_t i = 0; i < rows; ++i) {
      std::span<const float> row{x + i * inputs, inputs};
      if (kept_) {
        std::ranges::copy(row, run.row.begin());
        // Their weights' codes are 0, and 0 is in the range of nearly every row anyway.
        for (auto j : kept_->at)
          run.row[j] = 0.0f;
        row = run.row;
      }
      run.ranges[i] = quantise_row(row, run.codes.data() + i * inputs);
    }
  }

  void restore(const float* x, size_t rows, float* y, onednn_run& run) const {
    auto [inputs, outputs, after] = kernels_.form_;
    for (size_t i = 0; i < rows; ++i) {
      const auto* sums = run.sums.data() + i * outputs;
      std::span out{y + i * outputs, outputs};
      if (after == epilogue::add)
        add_restored_row(sums, run.ranges[i], scales_, out);
      else
        restore_row(sums, run.ranges[i], scales_, out);
      if (kept_) {
        std::array<float, outlier_count> kept;
        for (size_t j = 0; j < kept.size(); ++j)
          kept[j] = x[i * inputs + kept_->at[j]];
        add_outliers(kept, kept_->weight, out);
      }
    }
  }

  const int8_linear_kernels& kernels_;
  dnnl::memory weight_;
  output_scales scales_;
  std::optional<kept_inputs> kept_;
};

namespace {

/// Moves the weights of `outliers` out of `weight`, (outputs, inputs) row by row.
kept_inputs take_out(const outlier_inputs& outliers, std::span<float> weight, size_t inputs) {
  kept_inputs result{outliers, {}};
  for (auto j : outliers)
    for (size_t i = j; i < weight.size(); i += inputs)
      result.weight.push_back(std::exchange(weight[i], 0.0f));
  return result;
}

} // namespace

int8_linear_kernels::int8_linear_kernels(const dnnl::engine& engine, form x) : form_(x) {
  assert(x.inputs % quantised_lanes == 0 && x.outputs % quantised_lanes == 0);
  auto rows = row_buckets::list();
  // All kernels read one copy of the weights, laid out as the largest likes it.
  auto weight = onednn::matrix(x.inputs, x.outputs, type::s8, tag::any);
  for (auto n = rows.rbegin(); n != rows.rend(); ++n) {
    auto about = onednn::matmul(engine, onednn::matrix(*n, x.inputs, type::u8), weight,
                                onednn::matrix(*n, x.outputs, type::s32), {});
    weight = about.weights_desc();
    std::optional<dnnl::eltwise_forward> gelu;
    if (x.after == epilogue::gelu)
      gelu = onednn::eltwise(engine, dnnl::algorithm::eltwise_gelu_erf,
                             onednn::matrix(*n, x.outputs, type::f32));
    kernels_.push_back({about, dnnl::matmul(about), gelu});
  }
  std::ranges::reverse(kernels_);
}

std::unique_ptr<linear> int8_linear_kernels::layer(std::span<const float> weight,
                                                   std::span<const float> bias,
                                                   const outlier_inputs* outliers) const {
  assert(weight.size() == form_.inputs * form_.outputs && bias.size() == form_.outputs);
  std::vector<float> rounded(weight.begin(), weight.end());
  std::optional<kept_inputs> kept;
  if (outliers)
    kept = take_out(*outliers, rounded, form_.inputs);
  std::vector<int8_t> codes(weight.size());
  auto scales = quantise_weights(rounded, bias, codes);
  const auto& about = kernels_.front().about;
  dnnl::memory given(onednn::matrix(form_.inputs, form_.outputs, type::s8, tag::ba),
                     about.get_engine(), codes.data());
  return std::make_unique<int8_linear>(*this, onednn::reordered(given, about.weights_desc()),
                                       std::move(scales), std::move(kept));
}

bool int8_linear_kernels::exact() const {
  const auto& [about, product, gelu] = kernels_.front();
  // Code that is right everywhere and slow comes under this name.
  if (std::string_view{about.impl_info_str()}.starts_with("ref"))
    return false;
  auto engine = about.get_engine();
  onednn_run run(engine);
  std::vector<uint8_t> largest(about.src_desc().get_size(), 255);
  std::vector<int8_t> weights(form_.inputs * form_.outputs, 127);
  std::vector<int32_t> sums(about.dst_desc().get_size() / sizeof(int32_t));
  dnnl::memory given(onednn::matrix(form_.inputs, form_.outputs, type::s8, tag::ba), engine,
                     weights.data());
  product.execute(run.stream, {{DNNL_ARG_SRC, {about.src_desc(), engine, largest.data()}},
                               {DNNL_ARG_WEIGHTS, onednn::reordered(given, about.weights_desc())},
                               {DNNL_ARG_DST, {about.dst_desc(), engine, sums.data()}},
                               {DNNL_ARG_SCRATCHPAD, run.scratchpad_for(about.scratchpad_desc())}});
  auto expected = static_cast<int32_t>(255 * 127 * form_.inputs);
  return std::ranges::all_of(sums, [&](int32_t x) { return x == expected; });
}

} // namespace sluice
