#include "runtime/record.hpp"

// Without it msgpack brings all of Boost.Preprocessor for containers that nothing here stores.
#define MSGPACK_NO_BOOST
#include <msgpack.hpp>

namespace sluice {

namespace {

/// What msgpack writes into.
struct text_sink {
  std::string& to;
  void write(const char* data, size_t size) { to.append(data, size); }
};

template <class T>
void pack(std::string& to, const T& x) {
  text_sink sink{to};
  msgpack::pack(sink, x);
}

/// What damaged bytes claim to be must not cost memory that they could not fill: an element takes a
/// byte at least, and no field is deeper than a list.
msgpack::unpack_limit limits_of(size_t bytes) {
  constexpr size_t depth_max = 1;
  return {bytes, 0, bytes, bytes, bytes, depth_max};
}

/// Texts are copied once, into the field, and not into a zone before.
bool points_into_record(msgpack::type::object_type, size_t, void*) {
  return true;
}

} // namespace

record_writer::record_writer(uint8_t version) : bytes_(1, static_cast<char>(version)) {}

void record_writer::operator()(const std::string& x) {
  pack(bytes_, x);
}

void record_writer::operator()(uint64_t x) {
  pack(bytes_, x);
}

void record_writer::operator()(int64_t x) {
  pack(bytes_, x);
}

void record_writer::operator()(const std::vector<std::string>& x) {
  pack(bytes_, x);
}

record_reader::record_reader(std::string_view bytes, uint8_t version) : bytes_(bytes) {
  auto found = bytes.empty() ? uint8_t{0} : static_cast<uint8_t>(bytes.front());
  if (bytes.empty())
    fail("a stored record is empty");
  else if (found != version)
    fail("a stored record has version " + std::to_string(found) + ", but this program knows " +
         std::to_string(version) + " only: was it written by a newer one?");
}

void record_reader::fail(std::string why) {
  if (!error_)
    error_ = make_error(ec::storage_failed, std::move(why));
}

/// The edge at which msgpack's exceptions end.
template <class T>
void record_reader::read(T& x) {
  if (error_ || at_ >= bytes_.size())
    return;
  try {
    auto object = msgpack::unpack(bytes_.data(), bytes_.size(), at_, points_into_record, nullptr,
                                  limits_of(bytes_.size() - at_));
    x = object.get().as<T>();
  } catch (const std::exception& problem) {
    fail(std::string{"a stored record is damaged: "} + problem.what());
  }
}

void record_reader::operator()(std::string& x) {
  read(x);
}

void record_reader::operator()(uint64_t& x) {
  read(x);
}

void record_reader::operator()(int64_t& x) {
  read(x);
}

void record_reader::operator()(std::vector<std::string>& x) {
  read(x);
}

} // namespace sluice
