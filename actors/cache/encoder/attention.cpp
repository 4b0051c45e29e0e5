#include "actors/cache/encoder/attention.hpp"

#include "actors/cache/encoder/row_buckets.hpp"
#include "actors/cache/encoder/row_math.hpp"

#include <algorithm>
#include <cassert>

namespace sluice {

namespace {

/// The exponential comes with the product, before the maximum of a row is known. Within these
/// limits that changes nothing: e^80 times 256 tokens is far from the largest float and e^-80 from
/// the smallest, and relative errors stay what they are. The scores of this model are below 30.
constexpr float score_max = 80.0f;

} // namespace

attention::attention(const dnnl::engine& engine, form x) : form_(x) {
  auto heads = static_cast<dnnl_dim_t>(x.heads);
  auto width = static_cast<dnnl_dim_t>(x.head_width);
  auto row = heads * width;
  dnnl::post_ops exponential;
  onednn::append_eltwise(exponential, dnnl::algorithm::eltwise_clip, -score_max, score_max);
  onednn::append_eltwise(exponential, dnnl::algorithm::eltwise_exp, 0.0f, 0.0f);
  for (auto padded : row_buckets::list()) {
    auto n = static_cast<dnnl_dim_t>(padded);
    auto matrices = [&](dnnl_dim_t rows, dnnl_dim_t columns, dnnl::memory::dims strides) {
      return dnnl::memory::desc({heads, rows, columns}, dnnl::memory::data_type::f32, strides);
    };
    auto q = matrices(n, width, {width, 3 * row, 1});
    auto k_transposed = matrices(width, n, {width, 1, 3 * row});
    auto& v = q;
    auto scores = matrices(n, n, {n * n, n, 1});
    auto mixed = matrices(n, width, {width, row, 1});
    auto about_scores = onednn::matmul(engine, q, k_transposed, scores, exponential);
    auto about_mix = onednn::matmul(engine, scores, v, mixed, {});
    kernels_.push_back(
        {about_scores, about_mix, dnnl::matmul(about_scores), dnnl::matmul(about_mix)});
  }
}

void attention::apply(const float* qkv, size_t tokens, float* out, std::vector<float>& scores,
                      onednn_run& run) const {
  assert(tokens > 0 && tokens <= row_buckets::rows_max);
  auto padded = row_buckets::round_up(tokens);
  auto row = form_.heads * form_.head_width;
  const auto& x = kernels_[row_buckets::index(tokens)];
  if (scores.size() < form_.heads * padded * padded)
    scores.resize(form_.heads * padded * padded);
  auto part = [&](size_t offset) { return const_cast<float*>(qkv) + offset; };
  dnnl::memory weights(x.about_scores.dst_desc(), run.engine, scores.data());
  x.scores.execute(run.stream,
                   {{DNNL_ARG_SRC, {x.about_scores.src_desc(), run.engine, part(0)}},
                    {DNNL_ARG_WEIGHTS, {x.about_scores.weights_desc(), run.engine, part(row)}},
                    {DNNL_ARG_DST, weights},
                    {DNNL_ARG_SCRATCHPAD, run.scratchpad_for(x.about_scores.scratchpad_desc())}});
  // Nobody minds the rows that only fill up.
  for (size_t i = 0; i < form_.heads * padded; ++i)
    std::fill(&scores[i * padded] + tokens, &scores[i * padded] + padded, 0.0f);
  x.mix.execute(run.stream,
                {{DNNL_ARG_SRC, weights},
                 {DNNL_ARG_WEIGHTS, {x.about_mix.weights_desc(), run.engine, part(2 * row)}},
                 {DNNL_ARG_DST, {x.about_mix.dst_desc(), run.engine, out}},
                 {DNNL_ARG_SCRATCHPAD, run.scratchpad_for(x.about_mix.scratchpad_desc())}});
  divide(scores, tokens, padded, out);
}

/// The softmax's division, of the few numbers that came out instead of the many that went in.
void attention::divide(const std::vector<float>& scores, size_t tokens, size_t padded,
                       float* out) const {
  for (size_t head = 0; head < form_.heads; ++head)
    for (size_t token = 0; token < tokens; ++token) {
      auto factor = 1.0f / row_sum({&scores[(head * padded + token) * padded], padded});
      auto* x = out + (token * form_.heads + head) * form_.head_width;
      for (size_t i = 0; i < form_.head_width; ++i)
        x[i] *= factor;
    }
}

} // namespace sluice
