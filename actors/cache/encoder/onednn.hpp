#pragma once

#include <oneapi/dnnl/dnnl.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sluice {

/// oneDNN changed these calls between 2 (Debian 12) and 3 (Debian 13, Ubuntu 24.04). All else here
/// is the same in both.
namespace onednn {

inline void append_eltwise(dnnl::post_ops& ops, dnnl::algorithm what, float alpha, float beta) {
#if DNNL_VERSION_MAJOR >= 3
  ops.append_eltwise(what, alpha, beta);
#else
  ops.append_eltwise(1.0f, what, alpha, beta);
#endif
}

inline dnnl::matmul::primitive_desc matmul(const dnnl::engine& engine, const dnnl::memory::desc& a,
                                           const dnnl::memory::desc& b,
                                           const dnnl::memory::desc& product,
                                           const dnnl::post_ops& ops) {
  dnnl::primitive_attr attributes;
  attributes.set_post_ops(ops);
  // Memory that oneDNN keeps itself belongs to the thread that made the primitive.
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
#if DNNL_VERSION_MAJOR >= 3
  return {engine, a, b, product, attributes};
#else
  return {{a, b, product}, attributes, engine};
#endif
}

inline dnnl::matmul::primitive_desc matmul(const dnnl::engine& engine, const dnnl::memory::desc& a,
                                           const dnnl::memory::desc& b,
                                           const dnnl::memory::desc& bias,
                                           const dnnl::memory::desc& product,
                                           const dnnl::post_ops& ops) {
  dnnl::primitive_attr attributes;
  attributes.set_post_ops(ops);
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
#if DNNL_VERSION_MAJOR >= 3
  return {engine, a, b, bias, product, attributes};
#else
  return {{a, b, bias, product}, attributes, engine};
#endif
}

inline dnnl::eltwise_forward eltwise(const dnnl::engine& engine, dnnl::algorithm what,
                                     const dnnl::memory::desc& x) {
  constexpr auto kind = dnnl::prop_kind::forward_inference;
#if DNNL_VERSION_MAJOR >= 3
  return dnnl::eltwise_forward(
      dnnl::eltwise_forward::primitive_desc(engine, kind, what, x, x, 0.0f, 0.0f));
#else
  return dnnl::eltwise_forward(
      dnnl::eltwise_forward::primitive_desc({kind, what, x, 0.0f, 0.0f}, engine));
#endif
}

inline dnnl::memory::desc matrix(size_t rows, size_t columns, dnnl::memory::data_type type,
                                 dnnl::memory::format_tag order = dnnl::memory::format_tag::ab) {
  return {{static_cast<dnnl_dim_t>(rows), static_cast<dnnl_dim_t>(columns)}, type, order};
}

/// The content of `x` in the order that `wanted` says.
inline dnnl::memory reordered(dnnl::memory x, const dnnl::memory::desc& wanted) {
  auto engine = x.get_engine();
  dnnl::stream stream(engine);
  dnnl::memory result(wanted, engine);
  dnnl::reorder(x, result).execute(stream, x, result);
  stream.wait();
  return result;
}

} // namespace onednn

/// The numbers that the codes of a row stand for: least + step · code.
struct code_range {
  float least = 0.0f;
  float step = 0.0f;
};

/// What one thread needs besides a primitive to run it.
struct onednn_run {
  explicit onednn_run(const dnnl::engine& x) : engine(x), stream(x) {}

  /// Memory for a primitive while it runs, good until the next call.
  dnnl::memory scratchpad_for(const dnnl::memory::desc& x) {
    if (scratchpad.size() < x.get_size())
      scratchpad.resize(x.get_size());
    return {x, engine, scratchpad.data()};
  }

  dnnl::engine engine;
  dnnl::stream stream;
  std::vector<std::byte> scratchpad; ///< as large as the neediest primitive so far wanted it

  // Of `int8_linear`: a product's inputs, its results, and what the inputs' codes mean.
  std::vector<float> row; ///< inputs without outliers
  std::vector<uint8_t> codes;
  std::vector<int32_t> sums;
  std::vector<code_range> ranges;
};

} // namespace sluice
