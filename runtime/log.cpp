#include "runtime/log.hpp"

#include "runtime/ec.hpp"
#include "runtime/escape.hpp"
#include "runtime/redact.hpp"
#include "runtime/timestamp.hpp"

#include <spdlog/async.h>
#include <spdlog/async_logger.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <mutex>
#include <poll.h>
#include <unistd.h>

namespace sluice {

namespace {

/// A node says a few lines a second at worst; each slot takes about 400 bytes whether used or not.
constexpr size_t queue_lines_max = 512;

constexpr const char* requests_name = "requests";

/// Redacts lines about the node and frames them. The sink calls it under its lock.
class line_formatter : public spdlog::formatter {
public:
  explicit line_formatter(log_format format) : format_(format) {}

  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    auto payload = std::string_view{message.payload.data(), message.payload.size()};
    auto level_view = spdlog::level::to_string_view(message.level);
    auto level = std::string_view{level_view.data(), level_view.size()};
    clean_.clear();
    append_redacted(payload, clean_);
    line_.clear();
    if (format_ == log_format::json)
      frame_json(time_.text(message.time), level);
    else
      frame_console(time_.text(message.time), level);
    out.append(line_.data(), line_.data() + line_.size());
  }

  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<line_formatter>(format_);
  }

private:
  void frame_json(std::string_view time, std::string_view level) {
    line_.append(R"({"time":")").append(time).append(R"(","level":")").append(level);
    line_.append(R"(","message":")");
    append_json_escaped(clean_, line_);
    line_.append("\"}\n");
  }

  void frame_console(std::string_view time, std::string_view level) {
    line_.append(time).append(" ").append(level).append(" ");
    // Blanks are wanted here, control characters are not: escape word by word.
    auto rest = std::string_view{clean_};
    for (;;) {
      auto blank = rest.find(' ');
      append_console_escaped(rest.substr(0, blank), line_);
      if (blank == std::string_view::npos)
        break;
      line_.push_back(' ');
      rest.remove_prefix(blank + 1);
    }
    line_.push_back('\n');
  }

  log_format format_;
  timestamp_writer time_;
  std::string clean_;
  std::string line_;
};

/// Writes to a descriptor. spdlog's own sinks copy each message twice and write it in pieces; the
/// batches of the request log are large and want neither.
class descriptor_sink : public spdlog::sinks::base_sink<std::mutex> {
public:
  /// Closes `fd` at its end, unless it is standard error.
  explicit descriptor_sink(int fd) : fd_(fd) {}
  ~descriptor_sink() override {
    if (fd_ != STDERR_FILENO)
      ::close(fd_);
  }

protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    if (std::string_view{message.logger_name.data(), message.logger_name.size()} == requests_name) {
      write_all({message.payload.data(), message.payload.size()});
      return;
    }
    buffer_.clear();
    formatter_->format(message, buffer_);
    write_all({buffer_.data(), buffer_.size()});
  }
  void flush_() override {} // nothing is kept back

private:
  /// One write, unless the system takes less. What cannot be written (disk full, reader gone) is
  /// lost: there is no better place to complain.
  void write_all(std::string_view text) const {
    while (!text.empty()) {
      auto written = ::write(fd_, text.data(), text.size());
      if (written >= 0) {
        text.remove_prefix(static_cast<size_t>(written));
      } else if (errno == EAGAIN) { // somebody made our standard error non-blocking
        // A second: a reader that takes nothing for so long has gone, and stopping must not hang.
        pollfd writable{fd_, POLLOUT, 0};
        if (::poll(&writable, 1, 1'000) == 0)
          return;
      } else if (errno != EINTR) {
        return;
      }
    }
  }

  int fd_;
  spdlog::memory_buf_t buffer_;
};

caf::expected<spdlog::sink_ptr> open_sink(const std::string& path) {
  if (path.empty())
    return spdlog::sink_ptr{std::make_shared<descriptor_sink>(STDERR_FILENO)};
  // Readable by the operator's group, as Debian's logs are.
  auto fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
  if (fd < 0)
    return make_error(ec::io_failed, "cannot open log file " + path + ": " + std::strerror(errno));
  return spdlog::sink_ptr{std::make_shared<descriptor_sink>(fd)};
}

} // namespace

caf::expected<std::shared_ptr<node_log>> node_log::open(const log_settings& settings) {
  if (settings.format != "console" && settings.format != "json")
    return make_error(ec::bad_configuration,
                      "log format '" + settings.format + "' is neither console nor json");
  auto level = spdlog::level::from_str(settings.level);
  if (level == spdlog::level::off && settings.level != "off")
    return make_error(ec::bad_configuration,
                      "log level '" + settings.level +
                          "' is none of trace, debug, info, warn, error, off");
  auto sink = open_sink(settings.file);
  if (!sink)
    return sink.error();
  auto result = std::shared_ptr<node_log>(new node_log);
  result->format_ = settings.format == "json" ? log_format::json : log_format::console;
  (*sink)->set_formatter(std::make_unique<line_formatter>(result->format_));
  result->queue_ = std::make_shared<spdlog::details::thread_pool>(queue_lines_max, 1);
  result->lines_ = std::make_shared<spdlog::async_logger>(
      "node", *sink, result->queue_, spdlog::async_overflow_policy::overrun_oldest);
  result->lines_->set_level(level);
  if (settings.requests && level <= spdlog::level::info)
    result->requests_ = std::make_shared<spdlog::logger>(requests_name, *sink);
  return result;
}

node_log::~node_log() {
  // The queue's destructor writes what is left before it joins its thread.
  queue_.reset();
}

uint64_t node_log::lines_dropped() const {
  return queue_->overrun_counter();
}

} // namespace sluice
