#include "api/http/multipart.hpp"
#include "tests/fuzz/fuzz_target.hpp"

/// Reads the input as a form. What is accepted must be what writing its fields again would give:
/// each content stands in the body, between two delimiters, and holds none.
namespace sluice::fuzz {

namespace {

constexpr std::string_view content_type = "multipart/form-data; boundary=b";
constexpr std::string_view delimiter = "\r\n--b";

violation check(std::string_view body, const std::vector<form_part>& parts) {
  if (parts.empty())
    return "a form without fields";
  auto from = body.data();
  for (auto& x : parts) {
    auto* end = x.content.data() + x.content.size();
    if (x.content.data() < from || end > body.data() + body.size())
      return "fields that overlap or lie outside";
    if (!body.substr(static_cast<size_t>(end - body.data())).starts_with(delimiter))
      return "a content that does not end at a delimiter";
    if (x.content.find(delimiter) != x.content.npos)
      return "a delimiter within a content";
    if (!x.is_file && !x.filename.empty())
      return "a file name of a field that is no file";
    from = end;
  }
  return std::nullopt;
}

void canary() {
  std::string body = "--b\r\nx\r\n--b--";
  std::string_view text{body};
  form_part good{"a", "", false, text.substr(5, 1)};
  expect_none(check(text, {good}));
  expect_found(check(text, {}), "no fields");
  auto bad = good;
  bad.content = text.substr(5, 2);
  expect_found(check(text, {bad}), "a content too long");
  expect_found(check(text, {good, good}), "the same content twice");
  bad = good;
  bad.content = text.substr(0, 1);
  expect_found(check(text, {bad}), "a content that ends elsewhere");
  bad = good;
  bad.filename = "f";
  expect_found(check(text, {bad}), "a file name of no file");
}

} // namespace

} // namespace sluice::fuzz

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  sluice::fuzz::canary();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sluice::fuzz;
  // On the heap and of this size, so that a step beyond the end is seen.
  std::string body(reinterpret_cast<const char*>(data), size);
  if (auto parts = sluice::read_form(content_type, body))
    expect_none(check(body, *parts));
  // The same bytes where the header stands.
  (void)sluice::read_form(body.substr(0, 200), "--b\r\n");
  return 0;
}
