#include "actors/cache/encoder/float_linear.hpp"

#include "actors/cache/encoder/row_buckets.hpp"

#include <algorithm>
#include <cassert>

namespace sluice {

namespace {

using type = dnnl::memory::data_type;
using tag = dnnl::memory::format_tag;

dnnl::post_ops post_ops_of(epilogue x) {
  dnnl::post_ops result;
  if (x == epilogue::gelu)
    onednn::append_eltwise(result, dnnl::algorithm::eltwise_gelu_erf, 0.0f, 0.0f);
  else if (x == epilogue::add)
    result.append_sum();
  return result;
}

} // namespace

class float_linear : public linear {
public:
  float_linear(const float_linear_kernels& kernels, dnnl::memory weight, dnnl::memory bias)
      : kernels_(kernels), weight_(std::move(weight)), bias_(std::move(bias)) {}

  void apply(const float* x, size_t rows, float* y, onednn_run& run) const override {
    assert(rows > 0 && rows <= row_buckets::rows_max);
    const auto& [about, product] = kernels_.kernels_[row_buckets::index(rows)];
    // oneDNN reads its sources through pointers that are not const.
    product.execute(run.stream,
                    {{DNNL_ARG_SRC, {about.src_desc(), run.engine, const_cast<float*>(x)}},
                     {DNNL_ARG_WEIGHTS, weight_},
                     {DNNL_ARG_BIAS, bias_},
                     {DNNL_ARG_DST, {about.dst_desc(), run.engine, y}},
                     {DNNL_ARG_SCRATCHPAD, run.scratchpad_for(about.scratchpad_desc())}});
  }

private:
  const float_linear_kernels& kernels_;
  dnnl::memory weight_;
  dnnl::memory bias_;
};

float_linear_kernels::float_linear_kernels(const dnnl::engine& engine, form x) : form_(x) {
  auto rows = row_buckets::list();
  // All kernels read one copy of the weights, laid out as the largest likes it.
  auto weight = onednn::matrix(x.inputs, x.outputs, type::f32, tag::any);
  for (auto n = rows.rbegin(); n != rows.rend(); ++n) {
    auto about = onednn::matmul(engine, onednn::matrix(*n, x.inputs, type::f32), weight,
                                onednn::matrix(1, x.outputs, type::f32),
                                onednn::matrix(*n, x.outputs, type::f32), post_ops_of(x.after));
    weight = about.weights_desc();
    kernels_.push_back({about, dnnl::matmul(about)});
  }
  std::ranges::reverse(kernels_);
}

std::unique_ptr<linear> float_linear_kernels::layer(std::span<const float> weight,
                                                    std::span<const float> bias,
                                                    const outlier_inputs*) const {
  assert(weight.size() == form_.inputs * form_.outputs && bias.size() == form_.outputs);
  const auto& about = kernels_.front().about;
  auto engine = about.get_engine();
  dnnl::memory given(onednn::matrix(form_.inputs, form_.outputs, type::f32, tag::ba), engine,
                     const_cast<float*>(weight.data()));
  dnnl::memory added(onednn::matrix(1, form_.outputs, type::f32), engine);
  std::ranges::copy(bias, static_cast<float*>(added.get_data_handle()));
  return std::make_unique<float_linear>(*this, onednn::reordered(given, about.weights_desc()),
                                        added);
}

} // namespace sluice
