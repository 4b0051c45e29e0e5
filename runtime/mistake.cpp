#include "runtime/mistake.hpp"

#include "runtime/redact.hpp"

#include <nlohmann/json.hpp>

namespace sluice {

std::string to_string(const mistake& x) {
  auto result = x.file;
  if (x.line > 0)
    result += ":" + std::to_string(x.line);
  if (!x.path.empty())
    result += (result.empty() ? "" : ": ") + x.path;
  result += (result.empty() ? "" : ": ") + x.message;
  if (!x.allowed.empty())
    result += " (allowed: " + x.allowed + ")";
  // Settings that take a key are never quoted; this is for a key that stands in another's place.
  return redacted(result);
}

std::string to_text(const std::vector<mistake>& mistakes) {
  std::string result;
  for (auto& x : mistakes)
    result += to_string(x) + "\n";
  return result;
}

std::string to_json(const std::vector<mistake>& mistakes) {
  auto list = nlohmann::ordered_json::array();
  for (auto& x : mistakes)
    list.push_back({{"file", x.file},
                    {"line", x.line > 0 ? nlohmann::ordered_json(x.line) : nullptr},
                    {"path", redacted(x.path)},
                    {"message", redacted(x.message)},
                    {"allowed", x.allowed}});
  nlohmann::ordered_json result{{"mistakes", std::move(list)}};
  // A file may hold bytes that are not UTF-8; they are replaced rather than thrown about.
  return result.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

} // namespace sluice
