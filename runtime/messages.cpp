#include "runtime/messages.hpp"

namespace sluice {

std::string_view path_of(endpoint x) {
  switch (x) {
  case endpoint::chat_completions:
    return "chat/completions";
  case endpoint::completions:
    return "completions";
  case endpoint::chat_batch:
    return "chat/completions/batch";
  case endpoint::embeddings:
    return "embeddings";
  }
  // A newer node may know more endpoints than this one.
  return "unknown";
}

std::string_view operation_of(endpoint x) {
  switch (x) {
  case endpoint::chat_completions:
    return "chat";
  case endpoint::completions:
    return "text_completion";
  case endpoint::chat_batch:
    return "chat";
  case endpoint::embeddings:
    return "embeddings";
  }
  return "unknown";
}

std::string_view to_string_view(request_origin x) {
  switch (x) {
  case request_origin::caller:
    return "caller";
  case request_origin::refresh:
    return "refresh";
  case request_origin::prefetch:
    return "prefetch";
  }
  return "unknown";
}

std::string_view level_name(cache_result x) {
  switch (x) {
  case cache_result::unasked:
    return {};
  case cache_result::miss:
    return "miss";
  case cache_result::hot:
    return "L1";
  case cache_result::similar:
    return "L2";
  case cache_result::stored:
    return "L3";
  case cache_result::stale:
    return "stale";
  }
  return "unknown";
}

} // namespace sluice
