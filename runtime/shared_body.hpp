#pragma once

#include <caf/error.hpp>
#include <caf/meta/load_callback.hpp>
#include <caf/none.hpp>

#include <memory>
#include <string>
#include <utility>

namespace sluice {

/// An immutable text that many messages may carry: retries and fallbacks send the same megabytes
/// without copying them.
class shared_body {
public:
  shared_body() = default;
  shared_body(std::string text) : text_(std::make_shared<const std::string>(std::move(text))) {}
  shared_body(const char* text) : shared_body(std::string{text}) {}

  const std::string& str() const {
    static const std::string none;
    return text_ ? *text_ : none;
  }
  operator const std::string&() const { return str(); }
  size_t size() const { return str().size(); }

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, shared_body& x) {
    auto text = x.str();
    auto load = [&]() -> caf::error {
      x = shared_body{std::move(text)};
      return caf::none;
    };
    return f(text, caf::meta::load_callback(load));
  }

private:
  std::shared_ptr<const std::string> text_;
};

} // namespace sluice
