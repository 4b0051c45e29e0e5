#include "runtime/catalogue.hpp"

namespace sluice {

catalogue::catalogue(std::vector<model> models) : models_(std::move(models)) {
  for (size_t i = 0; i < models_.size(); ++i) {
    by_name_.emplace(models_[i].name, i);
    // A deployment may serve several names; the configuration sees to it that all its rows agree.
    for (auto& x : models_[i].deployments)
      by_id_.emplace(x.id, &x);
  }
}

const model* catalogue::find_model(const std::string& name) const {
  auto i = by_name_.find(name);
  return i == by_name_.end() ? nullptr : &models_[i->second];
}

const deployment* catalogue::find_deployment(const std::string& id) const {
  auto i = by_id_.find(id);
  return i == by_id_.end() ? nullptr : i->second;
}

} // namespace sluice
