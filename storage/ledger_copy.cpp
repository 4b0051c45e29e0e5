#include "runtime/ec.hpp"
#include "storage/data_folder.hpp"
#include "storage/ledger_check.hpp"
#include "storage/ledger_store.hpp"
#include "storage/ledger_tables.hpp"

#include <filesystem>

/// How a snapshot of the ledger becomes a backup, while a node may go on with the ledger itself.
namespace sluice {

namespace {

namespace fs = std::filesystem;

/// A backup that cannot be restored is none, so one is never reported.
caf::error check_copy(const std::string& folder, const ledger_state& state) {
  auto copy = ledger_store::snapshot(folder);
  if (!copy)
    return copy.error();
  auto found = verify(**copy);
  if (!found)
    return found.error();
  if (!found->sound())
    return make_error(ec::storage_failed,
                      "the ledger is not sound and was not backed up (`sluice ledger verify` tells "
                      "all of it): " +
                          found->discrepancies.front());
  if (found->rows != state.rows || found->chain != state.chain)
    return make_error(ec::storage_failed, "the copy does not have the rows of the ledger: row " +
                                              std::to_string(found->rows) + " is its last, not " +
                                              std::to_string(state.rows));
  return {};
}

} // namespace

caf::error ledger_store::copy(const std::string& place) const {
  auto unfinished = place + ".unfinished";
  std::error_code error;
  for (auto& path : {place, unfinished})
    if (fs::exists(fs::symlink_status(path, error)))
      return make_error(ec::storage_failed, path + " is there already: it is left as it is");
  auto fill = [&]() -> caf::error {
    if (auto failure = make_data_folder(unfinished))
      return failure;
    if (auto failure = copy_ledger_tables(*tables_, unfinished))
      return failure;
    if (auto mark = high_water::open(unfinished, state_.commits); !mark)
      return mark.error();
    return check_copy(unfinished, state_);
  };
  auto failure = fill();
  if (!failure) {
    fs::rename(unfinished, place, error);
    if (!error)
      return sync_path(fs::path{place}.parent_path().string());
    failure = make_error(ec::storage_failed,
                         "cannot move " + unfinished + " to " + place + ": " + error.message());
  }
  fs::remove_all(unfinished, error); // our own; one that stays costs space and nothing else
  return failure;
}

} // namespace sluice
