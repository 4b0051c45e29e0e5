#include "api/gateway/pack_rules.hpp"

#include "api/http/handler.hpp"
#include "runtime/ec.hpp"

namespace sluice {

caf::expected<packing> packing_of(const http_request& request, packing otherwise) {
  auto text = request.field(pack_field);
  if (text.empty())
    return otherwise;
  if (text == "allow")
    return packing::allowed;
  if (text == "deny")
    return packing::denied;
  return make_error(ec::invalid_value, "The header x-sluice-pack must be allow or deny.",
                    std::string{pack_field});
}

} // namespace sluice
