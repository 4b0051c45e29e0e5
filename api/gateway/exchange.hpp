#pragma once

#include "api/gateway/authenticator.hpp"
#include "api/gateway/cache_rules.hpp"
#include "api/gateway/request_reader.hpp"
#include "api/http/handler.hpp"
#include "runtime/actors.hpp"
#include "runtime/call_plan.hpp"
#include "runtime/catalogue.hpp"
#include "runtime/messages.hpp"
#include "runtime/shared_body.hpp"

#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

class http_host;

/// What a request has to do with the cache.
struct cache_use {
  fingerprint key;      ///< zero: nothing
  fingerprint scope;    ///< its namespace, where its meaning may be looked at
  std::string question; ///< where `scope` is set
  cache_wish wish;
  std::chrono::seconds stale_max{0}; ///< what is out of date by less will do, and is fetched anew
  double error_rate_max = -1;        ///< of the namespace; negative for the cache's own
  bool any_conversation = false;     ///< `scope` leaves out what was said before
};

/// One request for a model on its way: routed, called, retried, fallen back, answered, recorded.
/// `docs/life_of_a_request.md` tells its life. Lives on its host's loop; held by its connection,
/// and by itself while an actor owes it an answer.
class exchange final : public http_exchange, public std::enable_shared_from_this<exchange> {
public:
  exchange(http_host& host, std::unique_ptr<http_request> request, std::shared_ptr<reply_sink> sink,
           std::string request_id, virtual_key* key, inference_request asked,
           std::chrono::milliseconds timeout);
  ~exchange() override;

  /// The header lines of the caller's rate limit, for the reply.
  void rate_lines(std::string lines) { rate_lines_ = std::move(lines); }
  /// Asks the cache first, and gives it the answer, as the wish says.
  void use_cache(cache_use&& x);
  /// Makes this a request of the node's own. `expected` is what the last answer had cost; nobody
  /// has asked for the answer of one that `warms`.
  void ask_for_cache(request_origin why, nanousd expected, bool warms);
  void start();
  void tick(steady_time now);

  void on_client_gone() override;
  void on_written(size_t bytes) override;

  /// The cache's answer.
  void on_verdict(cache_verdict& verdict);

  /// The ledger's words on a charge.
  void on_reserved(charge_verdict& verdict);
  void on_settled(const charge_ended& x);

  // What the upstream answers to the call that is under way.
  void on_reply(upstream_reply& reply);
  void on_failure(upstream_failure& outcome);
  void on_block(stream_block& block);
  void on_end(stream_end& end);

private:
  void route();
  void on_route(route_decision& decision);
  void call();
  void make_body();
  void send_call();
  void retry_after(std::chrono::milliseconds delay);
  void end_call(const call_timing& timing);
  void tell(const failure& why, const next_step& step) const;
  void cancel();
  void fail(const failure& why);
  void refuse(const failure& why);
  void finish(uint16_t status, ec error);
  void settle(const token_usage& usage, bool known, const call_share& share);

  void deliver(upstream_reply& reply);
  void deliver(stream_end& end);

  // exchange_charge.cpp
  nanousd most_at(const deployment& to) const;
  void count_most();
  int64_t limit_to_say() const;
  void reserve();
  bool ask_cheaper();
  charge_outcome outcome_of(const token_usage& usage, bool known, const call_share& share) const;
  void note_cost(const charge_outcome& outcome);
  bool settle_charge(charge_outcome outcome);
  void end_charge(charge_outcome outcome);
  void abandon_charge();
  void leave_ledger();

  // exchange_cache.cpp
  void miss();
  bool ask_keeper(bool stale);
  bool answers_stale(const failure& why);
  void leave_cache();
  void answer_from_cache(cache_verdict& verdict);
  void on_own_verdict(cache_verdict& verdict);
  void refresh_behind();
  void note_asked();
  void keep(cached_answer&& answer);

  http_response stream_head(header_list&& headers);
  std::string answer_lines(bool final_figures);
  void cache_lines(std::string& lines) const;
  header_list for_caller(header_list&& headers) const;

  http_host& host_;
  std::unique_ptr<http_request> request_;
  std::shared_ptr<reply_sink> sink_;
  virtual_key* key_;
  inference_request asked_;
  shared_body original_; // as it came
  shared_body body_;     // as the present candidate gets it
  deadline until_{};
  request_record record_;
  std::string rate_lines_;
  std::vector<candidate> candidates_;
  call_progress progress_;
  const deployment* deployment_ = nullptr;
  upstream_actor target_; // that has the call
  uint64_t call_ = 0;     // under way; 0 where none
  steady_time call_started_{};
  std::unique_ptr<boost::asio::steady_timer> backoff_;
  charge_id charge_;                    // of the call that is under way; number 0 where none
  token_usage most_;                    // that a call may use; zero where nobody asks
  nanousd reserved_;                    // for that call
  budget_standing budget_;              // as the ledger last said
  token_allowance tokens_;              // likewise
  uint64_t charge_call_ = 0;            // the ledger owes an answer to it; 0 where none
  std::optional<upstream_reply> reply_; // until its charge is in the ledger
  std::optional<stream_end> end_;       // likewise
  cache_use cache_;
  uint64_t lookup_ = 0;            // that the cache has not answered; 0 where none
  bool keeper_asked_ = false;      // for a fresh answer
  std::optional<failure> failure_; // while the cache is asked for an answer in its place
  nanousd expected_;               // of a request of the node's own
  bool leased_ = false;            // likewise: it may be made
  bool warms_ = false;             // likewise: nobody has asked for its answer
  bool routed_ = false;
  cached_answer cached_;     // what is to be kept
  cache_verdict hit_;        // without its answer
  bool keeping_ = false;     // of a stream, which is not too long yet
  uint64_t credit_owed_ = 0; // written to the client, not yet told to the upstream
  token_usage wasted_;       // of packed calls without a valid answer, before failed attempts
  nanousd wasted_cost_;
  bool streaming_ = false;
  bool done_ = false;
};

} // namespace sluice
