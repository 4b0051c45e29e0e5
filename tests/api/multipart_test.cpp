#include "api/http/multipart.hpp"

#include "runtime/ec.hpp"

#include <caf/all.hpp>
#include <gtest/gtest.h>

namespace sluice {
namespace {

constexpr const char* type = "multipart/form-data; boundary=XX";

std::string form(const std::string& parts) {
  return parts + "--XX--\r\n";
}

std::string part(const std::string& disposition, const std::string& content) {
  return "--XX\r\nContent-Disposition: " + disposition + "\r\n\r\n" + content + "\r\n";
}

ec refusal(std::string_view content_type, std::string_view body) {
  auto x = read_form(content_type, body);
  return x ? ec::none : code_of(x.error());
}

TEST(multipart_test, reads_what_the_official_client_sends) {
  auto body =
      "--XX\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n"
      "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"in \\\"1\\\".jsonl\""
      "\r\nContent-Type: application/octet-stream\r\n\r\n{}\r\n--X\r\n\r\n--XX--\r\n";
  auto x = read_form(type, body);
  ASSERT_TRUE(x) << message_of(x.error());
  ASSERT_EQ(x->size(), 2u);
  EXPECT_EQ((*x)[0].name, "purpose");
  EXPECT_FALSE((*x)[0].is_file);
  EXPECT_EQ((*x)[0].content, "batch");
  EXPECT_EQ((*x)[1].filename, "in \"1\".jsonl");
  EXPECT_TRUE((*x)[1].is_file);
  EXPECT_EQ((*x)[1].content, "{}\r\n--X\r\n");
}

TEST(multipart_test, takes_the_spellings_that_mean_the_same) {
  auto body = form(part("Form-Data; name=a", "1"));
  for (auto content_type :
       {"multipart/form-data; boundary=\"XX\"", "Multipart/Form-Data;boundary=XX; charset=utf-8"})
    EXPECT_EQ(refusal(content_type, body), ec::none) << content_type;
  body.resize(body.size() - 2);
  EXPECT_EQ(refusal(type, body), ec::none) << "without a last line end";
  auto windows = read_form(type, form(part(R"(form-data; name="f"; filename="C:\in.txt")", "")));
  EXPECT_EQ(windows->at(0).filename, "C:\\in.txt");
}

TEST(multipart_test, refuses_other_types_and_boundaries) {
  auto body = form(part("form-data; name=a", "1"));
  for (auto content_type :
       {"", "application/json", "multipart/form-data", "multipart/mixed; boundary=XX",
        "multipart/form-data; boundary=", "multipart/form-data; boundary=XX; boundary=XX",
        "multipart/form-data; boundary=\"X\r\n\"", "multipart/form-data; boundary=\"XX"})
    EXPECT_EQ(refusal(content_type, body), ec::unsupported_media_type) << content_type;
  auto long_one = "multipart/form-data; boundary=" + std::string(71, 'X');
  EXPECT_EQ(refusal(long_one, body), ec::unsupported_media_type);
}

TEST(multipart_test, refuses_what_could_be_read_differently) {
  auto good = part("form-data; name=a", "1");
  for (auto& body :
       {std::string{}, std::string{"--XX--\r\n"}, "preamble\r\n" + form(good), good,
        form(good) + "epilogue", "--XX \r\n" + form(good), form("--XX\r\n\r\n1\r\n"),
        form("--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n1"),
        form("--XX\r\nContent-Disposition: form-data; name=a\r\n1\r\n"),
        form("--XX\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n"),
        form(part("form-data", "1")), form(part("attachment; name=a", "1")),
        form(part("form-data; name=a; name=b", "1")), form(part("form-data; name=\"a", "1")),
        form(part("form-data; name=a; other=b", "1")),
        form(part("form-data; name=a\r\nContent-Disposition: form-data; name=b", "1")),
        form(part("form-data; name=a; filename=b; filename=c", "1"))})
    EXPECT_EQ(refusal(type, body), ec::invalid_value) << body;
}

TEST(multipart_test, has_bounds) {
  std::string many;
  for (int i = 0; i < 16; ++i)
    many += part("form-data; name=a", "1");
  EXPECT_EQ(refusal(type, form(many)), ec::none);
  EXPECT_EQ(refusal(type, form(many + part("form-data; name=a", "1"))), ec::invalid_value);
  EXPECT_EQ(refusal(type, form(part("form-data; name=" + std::string(5'000, 'a'), "1"))),
            ec::invalid_value);
}

} // namespace
} // namespace sluice
