#pragma once

#include "api/http/handler.hpp"
#include "api/sim/sim_engine.hpp"

#include <boost/asio/io_context.hpp>

#include <memory>

namespace sluice {

/// Answers as the simulated provider: what `sluice sim` serves. One for each loop, all with the
/// same engine; must outlive the connections that it serves.
class sim_handler final : public http_handler {
public:
  sim_handler(boost::asio::io_context& loop, std::shared_ptr<sim_engine> engine);

  std::shared_ptr<http_exchange> handle(std::unique_ptr<http_request> request,
                                        std::shared_ptr<reply_sink> sink) override;
  http_response refuse(ec code, std::string_view detail) override;

private:
  http_response models(std::string_view path) const;

  boost::asio::io_context& loop_;
  std::shared_ptr<sim_engine> engine_;
};

} // namespace sluice
