#include "storage/seed_file.hpp"

#include "runtime/ec.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <random>
#include <string_view>

namespace sluice {

namespace {

constexpr size_t digits = 16;

/// A descriptor that is closed at the end of its scope.
struct file {
  int descriptor;
  ~file() {
    if (descriptor >= 0)
      ::close(descriptor);
  }
};

caf::error failed(const std::string& path, std::string_view what) {
  return make_error(ec::storage_failed,
                    path + " cannot be " + std::string{what} + ": " + std::strerror(errno) + ".");
}

} // namespace

caf::expected<uint64_t> seed_of(const std::string& folder) {
  auto path = folder + "/SEED";
  std::array<char, digits> text{};
  if (file in{::open(path.c_str(), O_RDONLY | O_CLOEXEC)}; in.descriptor >= 0) {
    auto count = ::read(in.descriptor, text.data(), text.size());
    if (count < 0)
      return failed(path, "read");
    uint64_t result = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + count, result, 16);
    if (error == std::errc{} && end == text.data() + digits)
      return result;
    // Cut off or damaged: another one costs the entries, which nobody can find any more.
  } else if (errno != ENOENT) {
    return failed(path, "opened");
  }
  std::random_device entropy;
  auto result = (uint64_t{entropy()} << 32) ^ entropy();
  auto rest = result;
  for (auto i = digits; i-- > 0; rest >>= 4)
    text[i] = "0123456789abcdef"[rest & 15];
  file out{::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
  if (out.descriptor < 0)
    return failed(path, "made");
  if (::write(out.descriptor, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return failed(path, "written");
  return result;
}

} // namespace sluice
