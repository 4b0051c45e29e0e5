#pragma once

#include "actors/batching/batch_format.hpp"
#include "runtime/actors.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <limits>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

/// A request that waits for its batch.
struct batch_request {
  upstream_call call;
  batch_terms terms;
  steady_time arrived{};
  /// Its part of a packed call that gave it no valid answer. It goes alone then.
  struct lost_part {
    token_usage usage;
    nanousd cost;
    bool cost_known = false;
  };
  std::optional<lost_part> lost{};
};

/// What waits in a batcher, fair between tenants: they take turns, one request each, so that one
/// tenant's flood costs another's single request one batch of waiting and no more. The order of
/// requests of one tenant that may share a call is kept. Who waits for an answer comes before who
/// said that there is time.
class batch_queue {
public:
  /// What one call may hold.
  struct limits {
    uint32_t requests = 1;
    int64_t tokens = 0;
    uint64_t bytes = 0;
    int64_t output_tokens = std::numeric_limits<int64_t>::max();
  };

  void push(batch_request&& x);
  /// Goes before all others: what has been in a call already and must go in another.
  void push_front(batch_request&& x);

  /// The requests for the next call: the one whose turn it is, and those that may share a call with
  /// it. At least one, however large, unless nothing waits.
  std::vector<batch_request> take(const limits& x);

  /// The request that leads the next call; null where nothing waits.
  const batch_request* lead() const;
  /// Requests that may share a call with it, itself included.
  uint32_t like_lead() const;

  std::optional<batch_request> remove(uint64_t call);
  std::vector<batch_request> take_expired(steady_time now);
  /// Everything, in no particular order.
  std::vector<batch_request> take_all();

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

private:
  static constexpr size_t classes = 3; // of urgency

  struct tenant {
    std::string name;
    std::array<std::deque<batch_request>, classes> waiting;

    bool empty() const;
  };
  using tenant_list = std::list<tenant>; // the first is next to be served

  tenant& tenant_of(const std::string& name);
  void count(const batch_request& x, int by);
  void drop_if_empty(tenant_list::iterator who);
  template <class Predicate>
  std::vector<batch_request> take_if(Predicate wanted);

  tenant_list tenants_;
  std::map<std::string, tenant_list::iterator> by_name_;
  std::map<fingerprint, uint32_t> groups_;
  std::deque<batch_request> again_; // before all tenants
  size_t size_ = 0;
};

} // namespace sluice
