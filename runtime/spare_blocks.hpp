#pragma once

#include <array>
#include <cstddef>
#include <memory_resource>

namespace sluice {

/// Memory for the nodes of maps that take and give back some with every request: blocks of each
/// small size are kept and used again, at the price of a list's head. Grows to what was in use at
/// the most. For one thread.
class spare_blocks final : public std::pmr::memory_resource {
public:
  spare_blocks() = default;
  spare_blocks(const spare_blocks&) = delete;
  spare_blocks& operator=(const spare_blocks&) = delete;
  ~spare_blocks() override {
    for (size_t i = 0; i < free_.size(); ++i)
      while (auto* block = pop(i))
        ::operator delete(block, (i + 1) * step);
  }

private:
  struct spare {
    spare* next;
  };

  /// Alignment of `new`, hence of every node.
  static constexpr size_t step = __STDCPP_DEFAULT_NEW_ALIGNMENT__;
  /// Nodes of maps; what is larger, like a table of buckets, is asked for rarely.
  static constexpr size_t bytes_max = 128;

  void* do_allocate(size_t bytes, size_t) override {
    if (bytes > bytes_max || bytes == 0)
      return ::operator new(bytes);
    auto i = (bytes - 1) / step;
    auto* block = pop(i);
    return block ? block : ::operator new((i + 1) * step);
  }
  void do_deallocate(void* block, size_t bytes, size_t) override {
    if (bytes > bytes_max || bytes == 0)
      return ::operator delete(block, bytes);
    auto i = (bytes - 1) / step;
    free_[i] = new (block) spare{free_[i]};
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  void* pop(size_t i) {
    auto* block = free_[i];
    if (block)
      free_[i] = block->next;
    return block;
  }

  std::array<spare*, bytes_max / step> free_{};
};

} // namespace sluice
