#include "actors/cache/encoder/safetensors.hpp"

#include "runtime/ec.hpp"
#include "tests/support/temporary_folder.hpp"

#include <gmock/gmock.h>

#include <cstring>
#include <fstream>

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// A file of `header`, padded to a multiple of 8, and `data`.
std::string file_of(std::string header, std::string_view data) {
  header.resize((header.size() + 7) / 8 * 8, ' ');
  uint64_t length = header.size();
  std::string result(sizeof length, '\0');
  std::memcpy(result.data(), &length, sizeof length);
  return result.append(header).append(data);
}

class safetensors_test : public testing::Test {
protected:
  caf::expected<safetensors> open(const std::string& content) {
    auto path = folder_.path() / "x.safetensors";
    std::ofstream(path, std::ios::binary) << content;
    return safetensors::open(path);
  }

  /// Why `content` is refused; empty where it is not.
  std::string refusal(const std::string& content) {
    auto x = open(content);
    if (x)
      return {};
    EXPECT_EQ(code_of(x.error()), ec::bad_configuration);
    EXPECT_THAT(message_of(x.error()), HasSubstr("x.safetensors: "));
    return message_of(x.error());
  }

  test::temporary_folder folder_;
};

const std::string good_header = R"({"__metadata__":{"format":"pt"},)"
                                R"("a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},)"
                                R"("b":{"dtype":"I64","shape":[1],"data_offsets":[8,16]},)"
                                R"("c":{"dtype":"F8_E4M3","shape":[3],"data_offsets":[13,16]}})";

std::string good_data() {
  float values[] = {1.5f, -2.0f, 0.0f, 0.0f};
  return {reinterpret_cast<const char*>(values), sizeof values};
}

TEST_F(safetensors_test, reads_what_a_tensor_holds) {
  auto file = open(file_of(good_header, good_data()));
  ASSERT_TRUE(file) << message_of(file.error());
  size_t shape[] = {2, 1};
  auto a = file->floats("a", shape);
  ASSERT_TRUE(a) << message_of(a.error());
  EXPECT_THAT(*a, ElementsAre(1.5f, -2.0f));
}

TEST_F(safetensors_test, tensors_outlive_a_copy) {
  auto file = open(file_of(good_header, good_data()));
  ASSERT_TRUE(file);
  auto copy = *file;
  size_t shape[] = {2, 1};
  auto a = file->floats("a", shape);
  file = make_error(ec::internal);
  ASSERT_TRUE(a);
  EXPECT_THAT(*a, ElementsAre(1.5f, -2.0f));
}

TEST_F(safetensors_test, names_the_tensor_that_is_another) {
  auto file = open(file_of(good_header, good_data()));
  ASSERT_TRUE(file);
  auto why = [&](std::string_view name, std::vector<size_t> shape) {
    auto x = file->floats(name, shape);
    return x ? std::string{} : message_of(x.error());
  };
  EXPECT_THAT(why("z", {1}), HasSubstr("has no tensor z"));
  EXPECT_THAT(why("a", {1, 2}), HasSubstr("tensor a is F32 [2,1] instead of F32 [1,2]"));
  EXPECT_THAT(why("b", {1}), HasSubstr("tensor b is I64 [1]"));
}

TEST_F(safetensors_test, refuses_every_truncation) {
  auto whole = file_of(good_header, good_data());
  for (size_t length = 0; length < whole.size(); ++length)
    EXPECT_NE(refusal(whole.substr(0, length)), "") << length;
}

TEST_F(safetensors_test, refuses_headers_longer_than_the_file) {
  for (uint64_t length : {uint64_t{9}, uint64_t{1} << 32, ~uint64_t{0}, ~uint64_t{0} - 7}) {
    std::string content(16, ' ');
    std::memcpy(content.data(), &length, sizeof length);
    EXPECT_THAT(refusal(content), HasSubstr("header"));
  }
}

TEST_F(safetensors_test, refuses_headers_that_are_not_the_formats) {
  for (auto header : {"", "[]", "7", "{", "{\"a\":1}", "{\"a\":{}}", "\"\xff\"",
                      R"({"a":{"dtype":3,"shape":[1],"data_offsets":[0,4]}})",
                      R"({"a":{"dtype":"F32","shape":"1","data_offsets":[0,4]}})",
                      R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})",
                      R"({"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}})",
                      R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}})",
                      R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}})",
                      R"({"a":{"dtype":"F32","shape":[[1]],"data_offsets":[0,4]}})"})
    EXPECT_NE(refusal(file_of(header, good_data())), "") << header;
  EXPECT_NE(refusal(file_of(std::string(100'000, '['), {})), "");
}

TEST_F(safetensors_test, refuses_tensors_outside_of_the_file) {
  for (auto offsets : {"[12,20]", "[8,4]", "[0,18446744073709551615]", "[20,20]"})
    EXPECT_THAT(refusal(file_of(std::string{R"({"a":{"dtype":"F32","shape":[2],"data_offsets":)"} +
                                    offsets + "}}",
                                good_data())),
                HasSubstr("tensor a lies outside of the file"))
        << offsets;
}

TEST_F(safetensors_test, refuses_shapes_that_do_not_fit_the_bytes) {
  for (auto shape : {"[1]", "[3]", "[4611686018427387906]", "[4294967296,4294967296,2]", "[0]"})
    EXPECT_THAT(refusal(file_of(std::string{R"({"a":{"dtype":"F32","shape":)"} + shape +
                                    R"(,"data_offsets":[0,8]}})",
                                good_data())),
                HasSubstr("tensor a has not the bytes of its shape"))
        << shape;
}

TEST_F(safetensors_test, refuses_floats_that_are_not_aligned) {
  auto file =
      open(file_of(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}})", good_data()));
  ASSERT_TRUE(file);
  size_t shape[] = {1};
  auto a = file->floats("a", shape);
  ASSERT_FALSE(a);
  EXPECT_THAT(message_of(a.error()), HasSubstr("tensor a does not start at a multiple of 4"));
}

TEST_F(safetensors_test, says_when_there_is_no_file) {
  auto x = safetensors::open(folder_.path() / "missing");
  ASSERT_FALSE(x);
  EXPECT_EQ(code_of(x.error()), ec::io_failed);
  EXPECT_THAT(message_of(x.error()), HasSubstr("missing: No such file"));
}

} // namespace
} // namespace sluice
