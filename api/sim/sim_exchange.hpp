#pragma once

#include "api/http/handler.hpp"
#include "api/sim/sim_engine.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <optional>

namespace sluice {

/// One simulated call over HTTP: waits for a slot, plays its plan against the clock, and holds back
/// while the client does not read. Held by its connection; its own timer and the queue for slots
/// only look whether it is still there.
class sim_exchange final : public http_exchange, public std::enable_shared_from_this<sim_exchange> {
public:
  sim_exchange(boost::asio::io_context& loop, std::shared_ptr<sim_engine> engine,
               std::shared_ptr<reply_sink> sink);
  ~sim_exchange() override;

  void start(sim_plan plan);
  bool ended() const { return ended_; }

  void on_client_gone() override;
  void on_written(size_t bytes) override;

private:
  void serve(sim_plan plan);
  void pump();
  bool pump_block();
  void write(std::string block);
  void begin();
  void wake_at(steady_time due);
  bool close_with(const sim_step& step);
  void end(sim_outcome outcome);

  boost::asio::io_context& loop_;
  std::shared_ptr<sim_engine> engine_;
  std::shared_ptr<reply_sink> sink_;
  std::optional<boost::asio::steady_timer> timer_;
  std::optional<sim_plan> queued_; // while there is no slot
  std::optional<sim_run> run_;
  uint64_t ticket_ = 0;
  size_t unwritten_ = 0;
  bool begun_ = false;
  bool pumping_ = false;
  bool ended_ = false;
};

} // namespace sluice
