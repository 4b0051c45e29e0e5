#include "runtime/job_messages.hpp"

namespace sluice {

std::string_view to_string_view(batch_status x) {
  switch (x) {
  case batch_status::validating:
    return "validating";
  case batch_status::failed:
    return "failed";
  case batch_status::in_progress:
    return "in_progress";
  case batch_status::finalizing:
    return "finalizing";
  case batch_status::completed:
    return "completed";
  case batch_status::expired:
    return "expired";
  case batch_status::cancelling:
    return "cancelling";
  case batch_status::cancelled:
    return "cancelled";
  }
  return "unknown";
}

bool is_over(batch_status x) {
  return x == batch_status::failed || x == batch_status::completed || x == batch_status::expired ||
         x == batch_status::cancelled;
}

} // namespace sluice
