#include "actors/cache/semantic/nearest_index.hpp"

#include "actors/cache/encoder/vector_clones.hpp"

#include <algorithm>
#include <cassert>

// Its own vectorised code is for the processor that it is compiled for, and prefetches from an
// address that it reads from behind the end of a list.
#define NO_MANUAL_VECTORIZATION
#include <hnswlib/hnswlib.h>

namespace sluice {

namespace {

/// Links a vector (M) and breadth of the search while building: hnswlib's own recommendation for
/// vectors of some hundred dimensions (its ALGO_PARAMS.md: M 12 to 48, ef_construction such that
/// recall at its ef is above 0.9).
constexpr size_t links = 16;
constexpr size_t build_breadth = 100;
/// Breadth of a search: ten neighbours are asked for, and six times as many looked at.
constexpr size_t search_breadth = 64;

/// Sixteen sums side by side, which the compiler turns into one vector: it may not reorder
/// additions of floats otherwise.
SLUICE_VECTOR_CLONES
float dot(const float* a, const float* b, size_t size) {
  constexpr size_t lanes = 16;
  float sums[lanes] = {};
  size_t i = 0;
  for (; i + lanes <= size; i += lanes)
    for (size_t j = 0; j < lanes; ++j)
      sums[j] += a[i + j] * b[i + j];
  float result = 0;
  for (; i < size; ++i)
    result += a[i] * b[i];
  for (auto x : sums)
    result += x;
  return result;
}

/// The distance of two vectors of length 1.
float distance(const void* a, const void* b, const void* size) {
  return 1 - dot(static_cast<const float*>(a), static_cast<const float*>(b),
                 *static_cast<const size_t*>(size));
}

class unit_space final : public hnswlib::SpaceInterface<float> {
public:
  explicit unit_space(size_t width) : width_(width) {}
  size_t get_data_size() override { return width_ * sizeof(float); }
  hnswlib::DISTFUNC<float> get_dist_func() override { return distance; }
  void* get_dist_func_param() override { return &width_; }

private:
  size_t width_;
};

} // namespace

struct nearest_index::graph {
  graph(size_t width, size_t capacity)
      : space(width), index(&space, capacity, links, build_breadth) {
    index.setEf(search_breadth);
  }

  unit_space space;
  hnswlib::HierarchicalNSW<float> index;
  std::vector<uint64_t> ids; ///< by label
  size_t removed = 0;
};

nearest_index::nearest_index(size_t width) : width_(width) {}
nearest_index::~nearest_index() = default;
nearest_index::nearest_index(nearest_index&&) noexcept = default;
nearest_index& nearest_index::operator=(nearest_index&&) noexcept = default;

size_t nearest_index::size() const {
  return where_.size();
}

uint64_t nearest_index::bytes() const {
  // A vector, its links (twice as many on the lowest level), and what the tables need for it.
  constexpr uint64_t beside = links * 2 * sizeof(uint32_t) + 64;
  auto held = graph_ ? graph_->ids.size() : ids_.size();
  return held * (width_ * sizeof(float) + beside);
}

void nearest_index::insert(uint64_t id, std::span<const float> vector) {
  assert(vector.size() == width_);
  erase(id);
  if (graph_)
    return insert_into_graph(id, vector);
  where_[id] = ids_.size();
  ids_.push_back(id);
  flat_.insert(flat_.end(), vector.begin(), vector.end());
  if (ids_.size() >= graph_min)
    build_graph();
}

bool nearest_index::erase(uint64_t id) {
  auto at = where_.find(id);
  if (at == where_.end())
    return false;
  auto place = at->second;
  where_.erase(at);
  if (graph_) {
    graph_->index.markDelete(place);
    if (++graph_->removed * 2 > graph_->ids.size())
      build_graph();
    return true;
  }
  // The last row takes the place.
  auto last = ids_.size() - 1;
  if (place != last) {
    std::copy_n(flat_.begin() + static_cast<ptrdiff_t>(last * width_), width_,
                flat_.begin() + static_cast<ptrdiff_t>(place * width_));
    ids_[place] = ids_[last];
    where_[ids_[place]] = place;
  }
  ids_.pop_back();
  flat_.resize(ids_.size() * width_);
  return true;
}

/// Of the rows, or of what is left of an older graph. Where little is left, the rows come back.
void nearest_index::build_graph() {
  if (graph_) {
    auto old = std::move(graph_);
    flat_.reserve(where_.size() * width_);
    for (auto& [id, label] : where_) {
      auto vector = old->index.getDataByLabel<float>(label);
      label = ids_.size();
      ids_.push_back(id);
      flat_.insert(flat_.end(), vector.begin(), vector.end());
    }
    if (ids_.size() < graph_min)
      return;
  }
  graph_ = std::make_unique<graph>(width_, ids_.size() * 2);
  for (size_t i = 0; i < ids_.size(); ++i)
    insert_into_graph(ids_[i], row(i));
  ids_ = {};
  flat_ = {};
}

void nearest_index::insert_into_graph(uint64_t id, std::span<const float> vector) {
  auto label = graph_->ids.size();
  // Half as much again each time: copying costs less than the graph's own work.
  if (label >= graph_->index.max_elements_)
    graph_->index.resizeIndex(label + label / 2 + 1);
  graph_->index.addPoint(vector.data(), label);
  graph_->ids.push_back(id);
  where_[id] = label;
}

std::vector<neighbour_found> nearest_index::nearest(std::span<const float> vector,
                                                    size_t count) const {
  assert(vector.size() == width_);
  std::vector<neighbour_found> result;
  count = std::min(count, where_.size());
  if (count == 0)
    return result;
  if (graph_) {
    for (auto found = graph_->index.searchKnn(vector.data(), count); !found.empty(); found.pop())
      result.push_back({graph_->ids[found.top().second], 1 - found.top().first});
    std::reverse(result.begin(), result.end());
    return result;
  }
  auto nearer = [](const neighbour_found& a, const neighbour_found& b) {
    return a.similarity > b.similarity;
  };
  for (size_t i = 0; i < ids_.size(); ++i) {
    neighbour_found next{ids_[i], dot(row(i).data(), vector.data(), width_)};
    if (result.size() == count) {
      if (!nearer(next, result.front()))
        continue;
      std::pop_heap(result.begin(), result.end(), nearer);
      result.back() = next;
    } else {
      result.push_back(next);
    }
    std::push_heap(result.begin(), result.end(), nearer);
  }
  std::sort_heap(result.begin(), result.end(), nearer);
  return result;
}

} // namespace sluice
