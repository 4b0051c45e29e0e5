#pragma once

#include "runtime/configuration/model_facts.hpp"
#include "runtime/configuration/reader.hpp"

namespace sluice {

/// A deployment and what it can be asked, where that is known.
struct placed_deployment {
  deployment value;
  std::vector<endpoint> endpoints; ///< empty where the tables do not know the model
};

/// What the tables say about `model` at `provider`; without a price where they say nothing.
placed_deployment deployment_at(const provider_settings& provider, const std::string& model);

/// Reads one element of a model's `deployments`. `model` is the name that is called where the file
/// names no other. Empty where the provider is not known.
std::optional<placed_deployment> read_deployment(reading& to, const yaml_value& at,
                                                 const std::string& model, bool embeddings_only,
                                                 const std::vector<provider_settings>& providers);

} // namespace sluice
