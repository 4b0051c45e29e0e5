#include "api/sim/sim_usage_log.hpp"

#include "api/sim/sim_json.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace sluice {
namespace {

/// What is collected at most before it is written: a few hundred lines.
constexpr size_t collected_bytes_max = 64 * 1024;

} // namespace

std::string usage_log_line(const sim_plan& plan, const token_usage& used, sim_outcome outcome) {
  std::string out = R"({"attempt_id":)";
  append_json_string(out, plan.attempt_id);
  out += R"(,"endpoint":")";
  out += path_of(plan.kind);
  out += R"(","model":)";
  append_json_string(out, plan.model);
  auto bill = cost(used, plan.price);
  for (auto [name, value] : {std::pair{R"(,"status":)", int64_t{plan.status}},
                             {R"(,"input_tokens":)", used.input},
                             {R"(,"cached_tokens":)", used.cache_read},
                             {R"(,"output_tokens":)", used.output},
                             {R"(,"reasoning_tokens":)", used.reasoning},
                             {R"(,"items":)", plan.items},
                             {R"(,"bill_nanousd":)", bill ? bill->value : 0}}) {
    out += name;
    append_decimal(out, value);
  }
  switch (outcome) {
  case sim_outcome::finished:
    out += R"(,"outcome":"finished"})";
    break;
  case sim_outcome::failed:
    out += R"(,"outcome":"failed"})";
    break;
  case sim_outcome::cut:
    out += R"(,"outcome":"cut"})";
    break;
  case sim_outcome::cancelled:
    out += R"(,"outcome":"cancelled"})";
    break;
  }
  return out + "\n";
}

caf::expected<std::unique_ptr<sim_usage_log>>
sim_usage_log::open(const std::string& path, std::function<void(const std::string&)> report) {
  auto descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (descriptor < 0)
    return make_error(ec::io_failed, "usage log " + path + ": " + std::strerror(errno));
  return std::unique_ptr<sim_usage_log>{new sim_usage_log{descriptor, path, std::move(report)}};
}

sim_usage_log::sim_usage_log(int descriptor, std::string path,
                             std::function<void(const std::string&)> report)
    : descriptor_(descriptor), path_(std::move(path)), report_(std::move(report)) {}

sim_usage_log::~sim_usage_log() {
  flush();
  ::close(descriptor_);
}

bool sim_usage_log::add(const std::string& line) {
  bool first = lines_.empty();
  lines_ += line;
  if (lines_.size() >= collected_bytes_max)
    flush();
  return first;
}

void sim_usage_log::flush() {
  size_t done = 0;
  while (done < lines_.size() && !failed_) {
    auto written = ::write(descriptor_, lines_.data() + done, lines_.size() - done);
    if (written > 0) {
      done += static_cast<size_t>(written);
    } else if (written == 0 || errno != EINTR) {
      failed_ = true;
      if (report_)
        report_("usage log " + path_ + ": " + std::strerror(errno) + "; the rest is lost");
    }
  }
  lines_.clear();
}

} // namespace sluice
