#pragma once

#include "api/upstream/breaker.hpp"
#include "api/upstream/provider_session.hpp"
#include "runtime/actors.hpp"
#include "runtime/loop_actor.hpp"

#include <deque>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>

namespace sluice {

/// Makes what the sessions of `settings` share. Fails with `bad_configuration` or `io_failed`,
/// naming the provider, where the URL or the file of authorities cannot be used. `limits` bounds
/// what a reply may hold.
caf::expected<std::shared_ptr<const provider_target>>
make_provider_target(const provider_settings& settings, const limit_settings& limits);

/// Calls one provider that speaks OpenAI's API.
///
/// Spawned by the node, one a provider and I/O loop, on that loop. Owns its connections to the
/// provider, the calls on them and those that wait for one, and a breaker for each deployment. When
/// a caller dies its calls run on to their deadlines. Stops on `drain`, when the last call has
/// ended or the deadline has passed.
class openai_upstream final : public loop_actor<upstream_actor>,
                              public session_owner,
                              public neighbour,
                              public ticking {
public:
  openai_upstream(caf::actor_config& config, io_loop* where,
                  std::shared_ptr<const provider_target> target, router_actor router,
                  monitor_actor monitor);
  ~openai_upstream() override;

  void on_connected(provider_session& who) override;
  void on_events(const upstream_call& call, std::string&& events, uint32_t count,
                 header_list&& headers) override;
  void on_finished(provider_session& who, call_outcome&& outcome) override;
  void on_closed(provider_session& who, const failure& why) override;
  void tick(steady_time now) override;
  using neighbour::take;
  void take(upstream_call&& call) override;
  void on_exit() override;

protected:
  behavior_type make_behavior() override;

private:
  struct waiting_call {
    upstream_call call;
    steady_time taken;
  };

  size_t connections_to_come() const;
  void cancel(uint64_t call);
  void begin(waiting_call&& next);
  void dispatch();
  void open_session();
  bool forget(provider_session& who);
  void refuse(const waiting_call& who, failure&& why);
  void deliver(call_outcome&& outcome);
  void judge(const upstream_call& call, ec outcome);
  breaker& breaker_of(const std::string& deployment);
  void report();

  std::shared_ptr<const provider_target> target_;
  router_actor router_;
  monitor_actor monitor_;
  std::list<waiting_call> waiting_;
  std::vector<std::shared_ptr<provider_session>>
      idle_; // the last used at the back: the rest may grow old and close
  std::unordered_map<provider_session*, std::shared_ptr<provider_session>> sessions_; // all
  std::unordered_map<uint64_t, provider_session*> calls_;
  size_t connecting_ = 0;
  std::map<std::string, breaker> breakers_;
  std::unique_ptr<simdjson::dom::parser> parser_;
  std::vector<std::shared_ptr<provider_session>> scratch_;
  upstream_report figures_;
  bool figures_changed_ = true;
  steady_time report_due_{};
  bool draining_ = false;
  bool quitting_ = false;
  deadline drain_until_{};
};

} // namespace sluice
