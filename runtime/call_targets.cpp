#include "runtime/call_targets.hpp"

namespace sluice {

upstream_actor call_targets::maker(const deployment& to, call_kind what) const {
  if (what.pack == packing::allowed && what.kind == endpoint::chat_completions)
    if (auto found = packers.find(to.id); found != packers.end())
      return found->second;
  if (auto found = batchers.find(to.id); found != batchers.end())
    if (auto made = found->second.find(what.kind); made != found->second.end())
      return made->second;
  auto found = upstreams.find(to.provider);
  return found == upstreams.end() ? upstream_actor{} : found->second;
}

upstream_actor call_targets::first(const deployment& to, call_kind what,
                                   const merge_terms& merge) const {
  if (!merge.exact || mergers.empty())
    return maker(to, what);
  // Similar requests have a scope in common, and equal ones that have a scope have the same.
  auto& common = merge.scope ? merge.scope : merge.exact;
  return caf::actor_cast<upstream_actor>(mergers[common.low % mergers.size()]);
}

} // namespace sluice
