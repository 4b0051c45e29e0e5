#include "api/gateway/model_list.hpp"

#include <nlohmann/json.hpp>

namespace sluice {

namespace {

nlohmann::ordered_json object_of(const model& x) {
  return {{"id", x.name}, {"object", "model"}, {"created", x.created}, {"owned_by", x.owned_by}};
}

} // namespace

std::string model_list_body(const catalogue& models, const virtual_key& key) {
  nlohmann::ordered_json list{{"object", "list"}, {"data", nlohmann::ordered_json::array()}};
  for (auto& x : models.models())
    if (key.allows(x.name))
      list["data"].push_back(object_of(x));
  return list.dump();
}

std::string model_body(const model& x) {
  return object_of(x).dump();
}

} // namespace sluice
