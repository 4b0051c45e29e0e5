#include "actors/cache/encoder/linear.hpp"

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

dnnl::memory::desc matrix(size_t rows, size_t columns) {
  return {{static_cast<dnnl_dim_t>(rows), static_cast<dnnl_dim_t>(columns)}, type::f32, tag::ab};
}

} // namespace

linear_kernels::linear_kernels(const dnnl::engine& engine, form x) : form_(x) {
  auto rows = row_buckets::list();
  // All kernels read one copy of the weights, laid out as the largest likes it.
  dnnl::memory::desc weight({static_cast<dnnl_dim_t>(x.inputs), static_cast<dnnl_dim_t>(x.outputs)},
                            type::f32, tag::any);
  for (auto n = rows.rbegin(); n != rows.rend(); ++n) {
    auto about = onednn::matmul(engine, matrix(*n, x.inputs), weight, matrix(1, x.outputs),
                                matrix(*n, x.outputs), post_ops_of(x.after));
    weight = about.weights_desc();
    kernels_.push_back({about, dnnl::matmul(about)});
  }
  std::ranges::reverse(kernels_);
}

linear::linear(const linear_kernels& kernels, std::span<const float> weight,
               std::span<const float> bias)
    : kernels_(&kernels) {
  const auto& form = kernels.form_;
  assert(weight.size() == form.inputs * form.outputs && bias.size() == form.outputs);
  const auto& about = kernels.kernels_.front().about;
  auto engine = about.get_engine();
  dnnl::stream stream(engine);
  // oneDNN reads its sources through pointers that are not const.
  dnnl::memory given({about.weights_desc().dims(), type::f32, tag::ba}, engine,
                     const_cast<float*>(weight.data()));
  weight_ = dnnl::memory(about.weights_desc(), engine);
  dnnl::reorder(given, weight_).execute(stream, given, weight_);
  bias_ = dnnl::memory(matrix(1, form.outputs), engine);
  stream.wait();
  std::ranges::copy(bias, static_cast<float*>(bias_.get_data_handle()));
}

void linear::apply(const float* x, size_t rows, float* y, onednn_run& run) const {
  assert(rows > 0 && rows <= row_buckets::rows_max);
  const auto& [about, product] = kernels_->kernels_[row_buckets::index(rows)];
  product.execute(run.stream,
                  {{DNNL_ARG_SRC, {about.src_desc(), run.engine, const_cast<float*>(x)}},
                   {DNNL_ARG_WEIGHTS, weight_},
                   {DNNL_ARG_BIAS, bias_},
                   {DNNL_ARG_DST, {about.dst_desc(), run.engine, y}},
                   {DNNL_ARG_SCRATCHPAD, run.scratchpad_for(about.scratchpad_desc())}});
}

} // namespace sluice
