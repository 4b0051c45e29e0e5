#include "api/upstream/caller_headers.hpp"

#include <boost/beast/core/string.hpp>

namespace sluice {

namespace {

bool starts_with_icase(std::string_view x, std::string_view prefix) {
  return x.size() >= prefix.size() &&
         boost::beast::iequals({x.data(), prefix.size()}, {prefix.data(), prefix.size()});
}

bool is(std::string_view x, std::string_view y) {
  return x.size() == y.size() && starts_with_icase(x, y);
}

} // namespace

void add_caller_header(header_list& out, std::string_view name, std::string_view value) {
  if (is(name, "x-request-id"))
    out.emplace_back("x-upstream-request-id", value);
  else if (starts_with_icase(name, "x-ratelimit-") || is(name, "openai-processing-ms") ||
           is(name, "openai-version"))
    out.emplace_back(name, value);
}

} // namespace sluice
