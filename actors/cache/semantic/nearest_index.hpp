#pragma once

#include <cstddef>
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
/// ones in logarithmic time. There the numbers have eight bits and a scale for each vector, which
/// changes a cosine of 384 numbers by some thousandth: a search waits for memory, and this is a
/// quarter of it.
///
/// No call builds a graph at once: what is compared moves into a graph by a few with every insert.
/// Removed vectors stay in the graph until they are half of it, as hnswlib can only mark them; then
/// the others move to a new one in the same way, and both are searched meanwhile.
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
  /// Vectors that move with an insert, half a millisecond each: a graph of which half is removed is
  /// left behind after a quarter as many inserts.
  static constexpr size_t moved_at_once = 4;

private:
  struct graph;
  struct place {
    uint32_t graph = 0; ///< its number; 0 for the rows
    uint32_t at = 0;    ///< row, or label in the graph
  };

  void begin_graph(size_t capacity);
  void erase_row(size_t at);
  void erase_marked(graph& from, size_t label);
  void leave_graph();
  void move_some();
  void insert_packed(uint64_t id, const std::vector<std::byte>& packed);
  void compare_rows(std::span<const float> vector, size_t count,
                    std::vector<neighbour_found>& found) const;
  void search(const graph& in, const std::vector<std::byte>& packed, size_t count,
              std::vector<neighbour_found>& found) const;
  std::span<const float> row(size_t i) const { return {flat_.data() + i * width_, width_}; }

  size_t width_;
  std::vector<uint64_t> ids_; ///< of the rows of `flat_`
  std::vector<float> flat_;
  std::unordered_map<uint64_t, place> where_;
  uint32_t graphs_ = 0;           ///< begun so far
  std::unique_ptr<graph> now_;    ///< takes what is inserted, where there is one
  std::unique_ptr<graph> before_; ///< is left for `now_`
};

} // namespace sluice
