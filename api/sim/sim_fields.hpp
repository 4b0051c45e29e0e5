#pragma once

#include "api/sim/sim_refusal.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

/// Reads the fields of a JSON object and keeps the first mistake it meets; after one, what the
/// readers return means nothing. So that a list of fields reads as a list.
class sim_fields {
public:
  /// `path` stands before the names of fields in messages, "messages[0].".
  sim_fields(const nlohmann::json& object, std::optional<sim_refusal>& refusal,
             std::string path = {})
      : object_(object), refusal_(refusal), path_(std::move(path)) {}

  /// The field; null where it is absent or the JSON value null, which mean the same to the
  /// provider.
  const nlohmann::json* find(const char* name) const;

  bool boolean(const char* name, bool otherwise);
  std::optional<int64_t> whole_number(const char* name, int64_t least, int64_t most);
  void check_number(const char* name, double least, double most);
  /// A string that is there and not empty.
  std::string required_string(const char* name);

  /// Keeps this mistake, unless there is one already. `name` is the field, or the path below it.
  void refuse(const std::string& name, std::string message, std::string code = {});
  bool refused() const { return refusal_.has_value(); }
  const nlohmann::json& object() const { return object_; }
  const std::string& path() const { return path_; }
  std::optional<sim_refusal>& refusal() { return refusal_; }

private:
  const nlohmann::json& object_;
  std::optional<sim_refusal>& refusal_;
  std::string path_;
};

} // namespace sluice
