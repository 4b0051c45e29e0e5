#pragma once

#include <caf/expected.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// The tensors of a .safetensors file (format: github.com/huggingface/safetensors, README: eight
/// bytes of header length, a JSON header, the data), mapped read-only, so that what nobody touches
/// costs no memory. A file that changes its length while it is mapped kills the process: replace
/// it by renaming a new one over it.
class safetensors {
public:
  /// Maps `path` and checks its header: every tensor lies within the file and has as many bytes as
  /// its shape needs. Errors: `io_failed` where it cannot be mapped, `bad_configuration` where it
  /// is not such a file; both name it.
  static caf::expected<safetensors> open(const std::filesystem::path& path);

  /// The numbers of the F32 tensor `name`, row by row, valid as long as this. Error:
  /// `bad_configuration` where it is missing, has another shape or another type; names file and
  /// tensor.
  caf::expected<std::span<const float>> floats(std::string_view name,
                                               std::span<const size_t> shape) const;

private:
  struct entry {
    std::string type;
    std::vector<size_t> shape;
    std::span<const std::byte> data;
  };
  struct mapping;

  explicit safetensors(const std::filesystem::path& path) : path_(path) {}
  caf::error map_file();
  caf::error read_header();
  caf::error complaint(const std::string& what) const;

  std::filesystem::path path_;
  std::shared_ptr<const mapping> mapping_;
  std::map<std::string, entry, std::less<>> entries_;
};

} // namespace sluice
