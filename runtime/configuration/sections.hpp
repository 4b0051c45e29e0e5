#pragma once

#include "runtime/configuration.hpp"
#include "runtime/configuration/reader.hpp"

/// The parts of the configuration. Each function reads one, adds what is wrong with it to the
/// reading and leaves the defaults where the file says nothing.
namespace sluice {

/// Returns the line of the address, 0 where the file does not name it.
int read_listen(reading& to, const yaml_value& at, listen_settings& into);
void read_limits(reading& to, const yaml_value& at, limit_settings& into);
void read_simulation(reading& to, const yaml_value& at, simulation_settings& into);
void read_storage(reading& to, const yaml_value& at, storage_settings& into);
void read_jobs(reading& to, const yaml_value& at, jobs_settings& into);
void read_merging(reading& to, const yaml_value& at, merging_settings& into);
/// `models` are those that the cache may ask.
void read_cache(reading& to, const yaml_value& at, const std::vector<model>& models,
                cache_settings& into);
/// Who compares answers for it, and for how much.
void read_checker(map_reader& map, const std::vector<model>& models, similar_settings& into);
void read_embeddings(map_reader& map, const std::vector<model>& models, similar_settings& into);
/// What is fetched in advance, and the budget that it needs.
void read_warming(reading& to, const yaml_value& at, warming_settings& into);
std::vector<cache_policy> read_cache_policies(reading& to, const yaml_value& at);
/// Whether the policies name models and tenants that there are.
void check_cache_policies(reading& to, const yaml_value& cache, const configuration& all);
/// What somebody may spend; tenants, models and so on are those that `all` has so far.
std::vector<budget_settings> read_budgets(reading& to, const yaml_value& at,
                                          const configuration& all);
void read_log(reading& to, const yaml_value& at, log_settings& into);
void read_optimizer(reading& to, const yaml_value& at, optimizer_settings& into);

/// The settings whose names in the environment are fixed, over those of the file.
void read_environment(reading& to, optimizer_settings& into);

/// The providers that the file names.
std::vector<provider_settings> read_providers(reading& to, const yaml_value& at);

/// The providers whose keys are in the environment.
std::vector<provider_settings> environment_providers(reading& to);

/// The built-in simulated upstream.
provider_settings simulated_provider();

/// The models that the file names; `providers` are those that it may name.
std::vector<model> read_models(reading& to, const yaml_value& at,
                               const std::vector<provider_settings>& providers);

/// All models of `providers` that the built-in tables know.
std::vector<model> builtin_models(const std::vector<provider_settings>& providers);

/// The keys of callers; `models` are those that a key may be limited to.
std::vector<key_settings> read_keys(reading& to, const yaml_value& at,
                                    const std::vector<model>& models);

} // namespace sluice
