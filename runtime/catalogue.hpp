#pragma once

#include "runtime/messages.hpp"
#include "runtime/money.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace sluice {

/// What a deployment costs, where that is known, and since when and from where.
struct price_entry {
  token_price price;
  std::string version; ///< goes into each ledger row: "builtin-2026-11-22", or "file" for one
                       ///< stated in the configuration
  std::string source;  ///< where it was read, with its date
};

/// A model at a provider.
struct deployment {
  std::string id;                   ///< unique: "provider/model"
  std::string provider;             ///< name in the configuration
  std::string provider_kind;        ///< OpenTelemetry gen_ai.provider.name: "openai", "anthropic",
                                    ///< "gcp.gemini", "sluice.simulated"
  std::string upstream_model;       ///< as the provider calls it
  std::optional<price_entry> price; ///< empty only where the configuration says `price: unknown`
  int64_t output_tokens_max = 0;    ///< what the model can write at most; 0 where unknown
  int64_t context_tokens_max = 0;   ///< what it can read at most; 0 where unknown
};

/// A name that callers use, and who can answer it, best first.
struct model {
  std::string name;
  std::vector<endpoint> endpoints; ///< what it can be asked
  std::vector<deployment> deployments;
  std::string owned_by;           ///< shown by /v1/models
  int64_t created = 0;            ///< Unix seconds, shown by /v1/models
  packing pack = packing::denied; ///< of requests whose header says nothing
};

/// All models of a node. Immutable once built, shared by every loop and the router: a new
/// configuration makes a new one.
class catalogue {
public:
  explicit catalogue(std::vector<model> models);
  catalogue(const catalogue&) = delete; // the indices point into `models_`
  catalogue& operator=(const catalogue&) = delete;

  const model* find_model(const std::string& name) const;
  const deployment* find_deployment(const std::string& id) const;
  const std::vector<model>& models() const { return models_; }

private:
  std::vector<model> models_;
  std::unordered_map<std::string, size_t> by_name_;
  std::unordered_map<std::string, const deployment*> by_id_;
};

using catalogue_ptr = std::shared_ptr<const catalogue>;

} // namespace sluice
