#pragma once

#include "runtime/actors.hpp"
#include "runtime/catalogue.hpp"

#include <map>
#include <string>
#include <vector>

namespace sluice {

/// Where one loop sends its calls. Made by the composition root, one for each loop.
struct call_targets {
  catalogue_ptr models;
  /// By provider: those of this loop.
  std::map<std::string, upstream_actor> upstreams;
  /// By deployment and endpoint: calls that may travel with others. What is not here goes to its
  /// upstream.
  std::map<std::string, std::map<endpoint, upstream_actor>> batchers;
  /// By deployment: of chats, those that may travel in one prompt with others.
  std::map<std::string, upstream_actor> packers;
  /// Those of all loops, by loop. Empty where nothing is merged, and in the table of a merger.
  std::vector<merger_actor> mergers;

  /// What kind of call it is.
  struct call_kind {
    endpoint kind = endpoint::chat_completions;
    packing pack = packing::denied;

    call_kind(endpoint x, packing y = packing::denied) : kind(x), pack(y) {}
  };

  /// Who makes a call to `to`: its packer, where the call allows that, its batcher, otherwise its
  /// provider's upstream. Null where none is known.
  upstream_actor maker(const deployment& to, call_kind what) const;

  /// Who takes a call to `to` first: the merger that owns its fingerprint, otherwise its maker. A
  /// fingerprint belongs to one loop, so that equal requests meet wherever they came in; similar
  /// ones, where they may share, by the scope that they have in common.
  upstream_actor first(const deployment& to, call_kind what, const merge_terms& merge) const;
};

} // namespace sluice
