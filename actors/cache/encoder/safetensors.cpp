#include "actors/cache/encoder/safetensors.hpp"

#include "runtime/ec.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <limits>
#include <optional>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sluice {

// The format is little-endian, and tensors are used where they lie.
static_assert(std::endian::native == std::endian::little);

namespace {

constexpr size_t length_bytes = 8;

/// Of the model here the header has 11 KB; the format's own limit is 100 MB. Bounds the memory
/// that reading JSON may take.
constexpr size_t header_bytes_max = 4 << 20;

/// A header nests tensors, fields and lists; what goes deeper is meant to exhaust the stack.
constexpr int depth_max = 4;

/// Bytes an element; 0 for types that nothing here reads, whose length is not checked.
size_t element_bytes(std::string_view type) {
  if (type == "F32" || type == "I32" || type == "U32")
    return 4;
  if (type == "F64" || type == "I64" || type == "U64")
    return 8;
  if (type == "F16" || type == "BF16" || type == "I16" || type == "U16")
    return 2;
  return type == "I8" || type == "U8" || type == "BOOL" ? 1 : 0;
}

/// A list of sizes; nothing where it is something else.
std::optional<std::vector<size_t>> sizes_of(const nlohmann::json& tensor, const char* field) {
  auto i = tensor.find(field);
  if (i == tensor.end() || !i->is_array())
    return std::nullopt;
  std::vector<size_t> result;
  for (const auto& x : *i) {
    if (!x.is_number_unsigned())
      return std::nullopt;
    result.push_back(x.get<size_t>());
  }
  return result;
}

/// Bytes that a tensor of `shape` takes; nothing where no memory could hold them.
std::optional<size_t> bytes_of(std::span<const size_t> shape, size_t element) {
  auto result = element;
  for (auto n : shape)
    if (__builtin_mul_overflow(result, n, &result))
      return std::nullopt;
  return result;
}

std::string to_text(std::span<const size_t> shape) {
  return nlohmann::json(std::vector<size_t>(shape.begin(), shape.end())).dump();
}

} // namespace

struct safetensors::mapping {
  std::span<const std::byte> bytes;

  explicit mapping(std::span<const std::byte> x) : bytes(x) {}
  mapping(const mapping&) = delete;
  mapping& operator=(const mapping&) = delete;
  ~mapping() { ::munmap(const_cast<std::byte*>(bytes.data()), bytes.size()); }
};

caf::expected<safetensors> safetensors::open(const std::filesystem::path& path) {
  safetensors result(path);
  if (auto failure = result.map_file())
    return failure;
  if (auto failure = result.read_header())
    return failure;
  return result;
}

caf::error safetensors::map_file() {
  auto failed = [&] {
    return make_error(ec::io_failed, path_.string() + ": " + std::strerror(errno));
  };
  auto file = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return failed();
  struct stat about {};
  void* start = MAP_FAILED;
  if (::fstat(file, &about) == 0)
    // An empty mapping is an error of its own; such a file is refused like every short one.
    start = ::mmap(nullptr, std::max<size_t>(static_cast<size_t>(about.st_size), 1), PROT_READ,
                   MAP_PRIVATE, file, 0);
  auto failure = start == MAP_FAILED ? failed() : caf::none;
  ::close(file);
  if (failure)
    return failure;
  auto size = static_cast<size_t>(about.st_size);
  mapping_ = std::make_shared<const mapping>(
      std::span{static_cast<const std::byte*>(start), std::max<size_t>(size, 1)});
  if (size < length_bytes)
    return complaint("is too short to be a .safetensors file");
  return caf::none;
}

caf::error safetensors::read_header() {
  auto file = mapping_->bytes;
  uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, file.data(), length_bytes);
  if (header_bytes > header_bytes_max || header_bytes > file.size() - length_bytes)
    return complaint("has no room for the header of " + std::to_string(header_bytes) +
                     " bytes that it announces, or no header is that long");
  auto text = file.subspan(length_bytes, header_bytes);
  auto data = file.subspan(length_bytes + header_bytes);
  auto begin = reinterpret_cast<const char*>(text.data());
  auto too_deep = false;
  auto header = nlohmann::json::parse(
      begin, begin + text.size(),
      [&](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
        too_deep |= depth > depth_max;
        return !too_deep;
      },
      false);
  if (too_deep || !header.is_object())
    return complaint("has a header that is not the JSON of a .safetensors file");
  for (const auto& [name, tensor] : header.items()) {
    if (name == "__metadata__")
      continue;
    auto shape = sizes_of(tensor, "shape");
    auto offsets = sizes_of(tensor, "data_offsets");
    auto type = tensor.find("dtype");
    if (!shape || !offsets || offsets->size() != 2 || type == tensor.end() || !type->is_string())
      return complaint("tensor " + name + " is not described by dtype, shape and data_offsets");
    auto first = offsets->front();
    auto last = offsets->back();
    if (first > last || last > data.size())
      return complaint("tensor " + name + " lies outside of the file");
    auto element = element_bytes(type->get_ref<const std::string&>());
    if (element != 0 && bytes_of(*shape, element) != last - first)
      return complaint("tensor " + name + " has not the bytes of its shape " + to_text(*shape));
    entries_.emplace(name, entry{type->get<std::string>(), std::move(*shape),
                                 data.subspan(first, last - first)});
  }
  return caf::none;
}

caf::expected<std::span<const float>> safetensors::floats(std::string_view name,
                                                          std::span<const size_t> shape) const {
  auto i = entries_.find(name);
  if (i == entries_.end())
    return complaint("has no tensor " + std::string{name});
  const auto& [type, actual, data] = i->second;
  if (type != "F32" || !std::ranges::equal(actual, shape))
    return complaint("tensor " + std::string{name} + " is " + type + " " + to_text(actual) +
                     " instead of F32 " + to_text(shape));
  if (reinterpret_cast<uintptr_t>(data.data()) % alignof(float) != 0)
    return complaint("tensor " + std::string{name} + " does not start at a multiple of 4 bytes");
  return std::span{reinterpret_cast<const float*>(data.data()), data.size() / sizeof(float)};
}

caf::error safetensors::complaint(const std::string& what) const {
  return make_error(ec::bad_configuration, path_.string() + ": " + what);
}

} // namespace sluice
