#pragma once

#include "api/gateway/authenticator.hpp"
#include "runtime/catalogue.hpp"

#include <string>

namespace sluice {

/// OpenAI's list object with the models that `key` may ask for.
std::string model_list_body(const catalogue& models, const virtual_key& key);

/// OpenAI's model object.
std::string model_body(const model& x);

} // namespace sluice
