#include "actors/cache/semantic/nearest_index.hpp"

#include "actors/cache/encoder/vector_clones.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>

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

/// The same of bytes. The compiler makes one multiplication and addition of sixteen of them.
SLUICE_VECTOR_CLONES
int32_t dot(const int8_t* a, const int8_t* b, size_t size) {
  int32_t result = 0;
  for (size_t i = 0; i < size; ++i)
    result += static_cast<int32_t>(a[i]) * static_cast<int32_t>(b[i]);
  return result;
}

/// A vector in a graph: a scale and the numbers in eight bits.
using packed_vector = std::vector<std::byte>;
constexpr size_t scale_bytes = sizeof(float);

packed_vector pack(std::span<const float> x) {
  float most = 0;
  for (auto each : x)
    most = std::max(most, std::abs(each));
  auto scale = most > 0 ? most / 127 : 1.0F;
  packed_vector result(scale_bytes + x.size());
  std::memcpy(result.data(), &scale, scale_bytes);
  for (size_t i = 0; i < x.size(); ++i)
    result[scale_bytes + i] = static_cast<std::byte>(
        static_cast<int8_t>(std::lround(std::clamp(x[i] / scale, -127.0F, 127.0F))));
  return result;
}

float scale_of(const std::byte* packed) {
  float result = 0;
  std::memcpy(&result, packed, scale_bytes);
  return result;
}

const int8_t* numbers_of(const std::byte* packed) {
  return reinterpret_cast<const int8_t*>(packed + scale_bytes);
}

/// The distance of two packed vectors of length 1.
float distance(const void* a, const void* b, const void* width) {
  auto* one = static_cast<const std::byte*>(a);
  auto* other = static_cast<const std::byte*>(b);
  auto sum = dot(numbers_of(one), numbers_of(other), *static_cast<const size_t*>(width));
  return 1 - scale_of(one) * scale_of(other) * static_cast<float>(sum);
}

class packed_space final : public hnswlib::SpaceInterface<float> {
public:
  explicit packed_space(size_t width) : width_(width) {}
  size_t get_data_size() override { return scale_bytes + width_; }
  hnswlib::DISTFUNC<float> get_dist_func() override { return distance; }
  void* get_dist_func_param() override { return &width_; }

private:
  size_t width_;
};

bool nearer(const neighbour_found& a, const neighbour_found& b) {
  return a.similarity > b.similarity;
}

} // namespace

struct nearest_index::graph {
  graph(uint32_t own_number, size_t width, size_t capacity)
      : number(own_number), space(width), index(&space, capacity, links, build_breadth) {
    index.setEf(search_breadth);
  }

  const std::byte* packed(size_t label) const {
    return reinterpret_cast<const std::byte*>(
        index.getDataByInternalId(index.label_lookup_.at(label)));
  }

  uint32_t number;
  packed_space space;
  hnswlib::HierarchicalNSW<float> index;
  std::vector<uint64_t> ids; ///< by label
  size_t removed = 0;
  size_t left = 0; ///< labels below it have moved to the next graph
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
  constexpr uint64_t beside = links * 2 * sizeof(uint32_t) + 128;
  auto held = (now_ ? now_->ids.size() : 0) + (before_ ? before_->ids.size() : 0);
  return held * (width_ + scale_bytes + beside) + ids_.size() * (width_ * sizeof(float) + 64);
}

void nearest_index::insert(uint64_t id, std::span<const float> vector) {
  assert(vector.size() == width_);
  erase(id);
  if (now_) {
    insert_packed(id, pack(vector));
    return move_some();
  }
  where_[id] = {0, static_cast<uint32_t>(ids_.size())};
  ids_.push_back(id);
  flat_.insert(flat_.end(), vector.begin(), vector.end());
  if (ids_.size() >= graph_min)
    begin_graph(ids_.size() * 2);
}

void nearest_index::begin_graph(size_t capacity) {
  now_ = std::make_unique<graph>(++graphs_, width_, capacity);
}

bool nearest_index::erase(uint64_t id) {
  auto found = where_.find(id);
  if (found == where_.end())
    return false;
  auto [where, at] = found->second;
  where_.erase(found);
  if (where == 0)
    erase_row(at);
  else
    erase_marked(now_ && where == now_->number ? *now_ : *before_, at);
  return true;
}

/// The last row takes the place.
void nearest_index::erase_row(size_t at) {
  auto last = ids_.size() - 1;
  if (at != last) {
    std::copy_n(flat_.begin() + static_cast<ptrdiff_t>(last * width_), width_,
                flat_.begin() + static_cast<ptrdiff_t>(at * width_));
    ids_[at] = ids_[last];
    where_[ids_[at]].at = static_cast<uint32_t>(at);
  }
  ids_.pop_back();
  flat_.resize(ids_.size() * width_);
}

void nearest_index::erase_marked(graph& from, size_t label) {
  from.index.markDelete(label);
  ++from.removed;
  if (!before_ && now_->removed * 2 > now_->ids.size())
    leave_graph();
}

/// Half of it is removed. Where little is left, the rows come back; or else the next inserts take
/// what is left along to a new one.
void nearest_index::leave_graph() {
  before_ = std::move(now_);
  if (where_.size() >= graph_min) {
    begin_graph(where_.size() * 2);
    return;
  }
  for (auto& [id, at] : where_) {
    if (at.graph == 0)
      continue;
    auto* packed = before_->packed(at.at);
    for (size_t i = 0; i < width_; ++i)
      flat_.push_back(scale_of(packed) * static_cast<float>(numbers_of(packed)[i]));
    at = {0, static_cast<uint32_t>(ids_.size())};
    ids_.push_back(id);
  }
  before_.reset();
}

void nearest_index::move_some() {
  for (size_t moved = 0; moved < moved_at_once;) {
    if (!ids_.empty()) {
      auto id = ids_.back();
      auto packed = pack(row(ids_.size() - 1));
      erase_row(ids_.size() - 1);
      insert_packed(id, packed);
      ++moved;
      continue;
    }
    if (!before_)
      return;
    if (before_->left == before_->ids.size()) {
      before_.reset();
      flat_.shrink_to_fit();
      return;
    }
    auto label = before_->left++;
    auto at = where_.find(before_->ids[label]);
    if (at == where_.end() || at->second.graph != before_->number || at->second.at != label)
      continue;
    auto* packed = before_->packed(label);
    insert_packed(at->first, {packed, packed + scale_bytes + width_});
    ++moved;
  }
}

void nearest_index::insert_packed(uint64_t id, const packed_vector& packed) {
  auto label = now_->ids.size();
  // Half as much again each time: copying costs less than the graph's own work.
  if (label >= now_->index.max_elements_)
    now_->index.resizeIndex(label + label / 2 + 1);
  now_->index.addPoint(packed.data(), label);
  now_->ids.push_back(id);
  where_[id] = {now_->number, static_cast<uint32_t>(label)};
}

std::vector<neighbour_found> nearest_index::nearest(std::span<const float> vector,
                                                    size_t count) const {
  assert(vector.size() == width_);
  std::vector<neighbour_found> result;
  count = std::min(count, where_.size());
  if (count == 0)
    return result;
  compare_rows(vector, count, result);
  if (now_) {
    auto packed = pack(vector);
    search(*now_, packed, count, result);
    // What has moved on stands there, too, and is passed over.
    if (before_)
      search(*before_, packed, 2 * count, result);
  }
  std::ranges::sort(result, nearer);
  result.resize(std::min(count, result.size()));
  return result;
}

void nearest_index::search(const graph& in, const packed_vector& packed, size_t count,
                           std::vector<neighbour_found>& found) const {
  if (in.ids.size() == in.removed)
    return;
  for (auto near = in.index.searchKnn(packed.data(), count); !near.empty(); near.pop()) {
    auto [distance, label] = near.top();
    auto at = where_.find(in.ids[label]);
    if (at != where_.end() && at->second.graph == in.number && at->second.at == label)
      found.push_back({at->first, 1 - distance});
  }
}

void nearest_index::compare_rows(std::span<const float> vector, size_t count,
                                 std::vector<neighbour_found>& found) const {
  for (size_t i = 0; i < ids_.size(); ++i) {
    neighbour_found next{ids_[i], dot(row(i).data(), vector.data(), width_)};
    if (found.size() == count) {
      if (!nearer(next, found.front()))
        continue;
      std::ranges::pop_heap(found, nearer);
      found.back() = next;
    } else {
      found.push_back(next);
    }
    std::ranges::push_heap(found, nearer);
  }
}

} // namespace sluice
