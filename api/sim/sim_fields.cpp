#include "api/sim/sim_fields.hpp"

namespace sluice {

using nlohmann::json;

const json* sim_fields::find(const char* name) const {
  auto i = object_.find(name);
  return i == object_.end() || i->is_null() ? nullptr : &*i;
}

void sim_fields::refuse(const std::string& name, std::string message, std::string code) {
  if (!refusal_)
    refusal_ = sim_refusal{400, std::move(message), "invalid_request_error", path_ + name,
                           std::move(code)};
}

bool sim_fields::boolean(const char* name, bool otherwise) {
  const auto* x = find(name);
  if (x == nullptr)
    return otherwise;
  if (!x->is_boolean()) {
    refuse(name, "'" + path_ + name + "' must be a boolean.", "invalid_type");
    return otherwise;
  }
  return x->get<bool>();
}

std::optional<int64_t> sim_fields::whole_number(const char* name, int64_t least, int64_t most) {
  const auto* x = find(name);
  if (x == nullptr)
    return std::nullopt;
  if (!x->is_number_integer()) {
    refuse(name, "'" + path_ + name + "' must be an integer.", "invalid_type");
    return std::nullopt;
  }
  bool beyond = x->is_number_unsigned() && x->get<uint64_t>() > static_cast<uint64_t>(INT64_MAX);
  if (beyond || x->get<int64_t>() < least || x->get<int64_t>() > most) {
    refuse(name,
           "'" + path_ + name + "' must be from " + std::to_string(least) + " to " +
               std::to_string(most) + ".",
           "invalid_value");
    return std::nullopt;
  }
  return x->get<int64_t>();
}

void sim_fields::check_number(const char* name, double least, double most) {
  const auto* x = find(name);
  if (x == nullptr)
    return;
  if (!x->is_number())
    refuse(name, "'" + path_ + name + "' must be a number.", "invalid_type");
  else if (x->get<double>() < least || x->get<double>() > most)
    refuse(name,
           "'" + path_ + name + "' must be from " + json(least).dump() + " to " +
               json(most).dump() + ".",
           "invalid_value");
}

std::string sim_fields::required_string(const char* name) {
  const auto* x = find(name);
  if (x == nullptr || (x->is_string() && x->get_ref<const std::string&>().empty())) {
    refuse(name, "Missing required parameter: '" + path_ + name + "'.",
           "missing_required_parameter");
    return {};
  }
  if (!x->is_string()) {
    refuse(name, "'" + path_ + name + "' must be a string.", "invalid_type");
    return {};
  }
  return x->get<std::string>();
}

} // namespace sluice
