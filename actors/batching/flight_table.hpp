#pragma once

#include "actors/batching/equivalence.hpp"
#include "runtime/actors.hpp"
#include "runtime/spare_blocks.hpp"

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

namespace sluice {

struct flight_settings {
  uint64_t replay_bytes_max = 0; ///< as in `merging_settings`
  uint32_t joiners_max = 1;      ///< as in `merging_settings`
  bool similar = false;
  double similarity_min = 1; ///< from which on two questions count as one
  /// Bytes of a stream under way to one member without credit; the upstream's own window.
  uint64_t stream_window = 64 * 1024;
  /// Bytes kept of all streams for who may join them; beyond it the largest gainers are closed to
  /// joiners. A thousand streams of usual length, and little next to what connections take.
  uint64_t replay_bytes_total_max = 256 * 1024 * 1024;
  /// A call may go on for so long after it was made, though its leader would not wait: a joiner
  /// may, and when nobody does any more it is cancelled.
  std::chrono::nanoseconds time_max{0};
};

/// What is to be sent, in this order within each list. Credits and cancels are about calls of the
/// table's own, and go to whoever makes calls to that deployment.
struct flight_orders {
  struct note {
    std::string deployment;
    endpoint kind;
    std::variant<stream_credit, cancel_call> what;
    packing pack = packing::denied;
  };
  struct answer {
    call_client_actor to;
    std::variant<upstream_reply, upstream_failure, stream_block, stream_end> what;
  };

  std::vector<upstream_call> calls; ///< without a client: whoever sends them is it
  std::vector<note> notes;
  std::vector<answer> answers;

  void clear() {
    calls.clear();
    notes.clear();
    answers.clear();
  }
};

/// Which requests share which upstream call (single-flight). Takes what callers and upstreams say
/// and orders what has to be sent; the actor around it is `merger_actor.hpp`.
///
/// A *flight* is one upstream call, its *members* are the requests that wait for it; the first is
/// its *leader*. Equal means: fingerprint, deployment, endpoint, mode, whether usage events are
/// wanted and whether packing is allowed. Flights and members are bounded by the requests that may
/// be in work on the node.
class flight_table {
public:
  /// `first_call` is the number of the first call made; `judge` may be null where nothing similar
  /// is merged.
  flight_table(const flight_settings& settings, uint64_t first_call,
               std::unique_ptr<const equivalence> judge = nullptr);
  ~flight_table();
  flight_table(const flight_table&) = delete;
  flight_table& operator=(const flight_table&) = delete;

  // What members say.
  /// Lets `call` join a flight, which moves from it, or else makes it the first of one of its own:
  /// then the answer is true, `call` has got the number and the deadline that it is to be made
  /// with, and who took it makes it. That order is not among `out`, for it is the usual case.
  [[nodiscard]] bool take(upstream_call& call, steady_time now, flight_orders& out);
  void credit(const stream_credit& x, flight_orders& out);
  void cancel(uint64_t call, flight_orders& out);

  /// Who made a call that nobody has joined: the usual case, which takes no orders.
  struct alone {
    uint64_t call; ///< as its client counts
    call_client_actor client;
  };
  /// Forgets the flight of such a call, which has been replied to; none where others wait for it.
  std::optional<alone> land_alone(uint64_t own);

  // What became of the table's own calls.
  void replied(upstream_reply&& x, steady_time now, flight_orders& out);
  void failed(upstream_failure&& x, steady_time now, flight_orders& out);
  void streamed(stream_block&& x, flight_orders& out);
  void ended(stream_end&& x, steady_time now, flight_orders& out);

  bool empty() const { return flights_.empty(); }
  size_t flights() const { return flights_.size(); }
  size_t members() const { return members_.size(); }
  /// Of streams, kept for members that are behind and for who may join.
  uint64_t bytes_kept() const { return bytes_kept_; }

  struct counts {
    uint64_t calls = 0;
    uint64_t joined = 0;
    uint64_t retried = 0;
  };
  /// Since this was asked last.
  counts take_counts();

private:
  struct member;
  struct flight;
  struct fingerprint_hash {
    size_t operator()(const fingerprint& x) const { return x.low; }
  };
  using index = std::pmr::unordered_multimap<fingerprint, flight*, fingerprint_hash>;

  flight* joinable(const upstream_call& call) const;
  void join(flight& to, upstream_call&& call, steady_time now, flight_orders& out);
  std::unique_ptr<flight> make_flight(uint64_t own, const upstream_call& call);
  flight& start(upstream_call& call, steady_time now);
  void start_again(std::vector<member>&& who, steady_time now, flight_orders& out);
  void close(flight& x);
  void pour(flight& x, member& to, flight_orders& out);
  void pour_all(flight& x, flight_orders& out);
  void settle(flight& x, flight_orders& out);
  void trim(flight& x);
  void leave(flight& x, size_t place);
  void erase(flight& x);
  flight* find(uint64_t own) const;

  flight_settings settings_;
  std::unique_ptr<const equivalence> judge_;
  uint64_t next_call_;
  /// Of the maps: each request takes and gives back three entries. Grows to what was in flight at
  /// the most.
  spare_blocks entries_;
  std::pmr::unordered_map<uint64_t, std::unique_ptr<flight>> flights_; ///< by call made
  std::pmr::unordered_map<uint64_t, flight*> members_;                 ///< by the call asked for
  index equal_;   ///< flights that may be joined, by what has to be equal
  index similar_; ///< the same, by what has to be equal of similar ones
  std::vector<std::unique_ptr<flight>> landed_; ///< some that are over, to be used again
  uint64_t bytes_kept_ = 0;
  counts counts_;
};

/// Whether a failed call would fail the same for whoever asked in place of its leader, or must not
/// be made again at once: then all who share it hear of it, and each decides on its own.
bool concerns_all(const failure& why);

} // namespace sluice
