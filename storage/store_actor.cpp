#include "storage/store_actor.hpp"

namespace sluice {

namespace {

/// One write of so much is long enough for an fsync to be cheap beside it, and does not fill a
/// memtable twice.
constexpr uint64_t group_bytes_max = 8 * 1024 * 1024;

uint64_t size_of(const store_write& x) {
  uint64_t result = 0;
  for (auto& change : x.changes)
    result += change.key.size() + change.value.size();
  return result;
}

} // namespace

void store_state::flush() {
  if (waiting.empty())
    return;
  auto done = disk->write(waiting);
  for (auto& promise : owed) {
    if (done)
      promise.deliver(store_written{*done});
    else
      promise.deliver(done.error());
  }
  waiting.clear();
  owed.clear();
  bytes = 0;
}

flushing_store_actor::behavior_type
store_keeper(flushing_store_actor::stateful_pointer<store_state> self,
             std::shared_ptr<std::unique_ptr<store>> disk) {
  self->state.disk = std::move(*disk);
  return {
      [self](store_write& x) -> caf::result<store_written> {
        auto& state = self->state;
        state.bytes += size_of(x);
        state.waiting.push_back(std::move(x));
        state.owed.push_back(self->make_response_promise<store_written>());
        auto promise = state.owed.back();
        if (state.bytes >= group_bytes_max)
          state.flush();
        else if (state.waiting.size() == 1)
          self->send(self, flush_atom::value);
        return promise;
      },
      [self](const store_read& x) -> caf::result<store_value> {
        auto found = self->state.disk->read(x.key);
        if (!found)
          return found.error();
        return std::move(*found);
      },
      [self](const store_scan& x) -> caf::result<store_page> {
        auto found = self->state.disk->scan(x);
        if (!found)
          return found.error();
        return std::move(*found);
      },
      [self](const drain&) {
        self->state.flush();
        self->quit();
      },
      [self](flush_atom) { self->state.flush(); },
  };
}

} // namespace sluice
