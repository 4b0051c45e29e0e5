#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

namespace sluice {

/// A neighbour and how near it is.
struct neighbour_found {
  uint64_t id = 0;
  float similarity = 0; ///< cosine
};

/// Vectors of length 1, and those nearest to another. Few are simply compared; from `graph_min` on
/// an HNSW graph (Malkov and Yashunin 2018, arXiv:1603.09320; hnswlib) finds nearly always the same
/// ones in logarithmic time. Removed vectors stay in the graph until they are half of it, as
/// hnswlib can only mark them; then it is built again.
///
/// For one thread. Memory running out is thrown as `std::bad_alloc`, as everywhere.
class nearest_index {
public:
  explicit nearest_index(size_t width);
  ~nearest_index();
  nearest_index(nearest_index&&) noexcept;
  nearest_index& operator=(nearest_index&&) noexcept;

  /// Takes the place of an earlier vector of this `id`. `vector` has `width` numbers.
  void insert(uint64_t id, std::span<const float> vector);
  /// False where there is none.
  bool erase(uint64_t id);
  /// At most `count`, nearest first.
  std::vector<neighbour_found> nearest(std::span<const float> vector, size_t count) const;

  size_t size() const;
  /// Of vectors and graph.
  uint64_t bytes() const;

  /// Comparing a thousand vectors takes about as long as a search in the graph, 0.1 ms, and a
  /// comparison misses nothing.
  static constexpr size_t graph_min = 1'000;

private:
  struct graph;

  void build_graph();
  void insert_into_graph(uint64_t id, std::span<const float> vector);
  std::span<const float> row(size_t i) const { return {flat_.data() + i * width_, width_}; }

  size_t width_;
  std::vector<uint64_t> ids_;                  ///< of the rows of `flat_`
  std::vector<float> flat_;                    ///< empty where there is a graph
  std::unordered_map<uint64_t, size_t> where_; ///< row in `flat_`, or label in the graph
  std::unique_ptr<graph> graph_;
};

} // namespace sluice
