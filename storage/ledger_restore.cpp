#include "runtime/ec.hpp"
#include "storage/data_folder.hpp"
#include "storage/ledger_check.hpp"
#include "storage/ledger_store.hpp"
#include "storage/ledger_tables.hpp"

#include <cstdio>
#include <fcntl.h>
#include <filesystem>

/// How a backup takes the place of a ledger.
namespace sluice {

namespace {

namespace fs = std::filesystem;

caf::error failed(const std::string& doing, const std::error_code& why) {
  return make_error(ec::storage_failed, "cannot " + doing + ": " + why.message());
}

/// `path` with the first number behind it that is not taken.
fs::path numbered(const fs::path& path, const std::string& what) {
  std::error_code ignored;
  for (uint64_t n = 1;; ++n)
    if (auto result = path.string() + what + std::to_string(n); !fs::exists(result, ignored))
      return result;
}

caf::error copy_folder(const fs::path& from, const fs::path& to) {
  std::error_code error;
  if (!fs::exists(from / "CURRENT", error))
    return make_error(ec::storage_failed, "there is no backup of a ledger in " + from.string());
  if (auto failure = make_data_folder(to.string()))
    return failure;
  for (fs::directory_iterator i{from, error}, end; !error && i != end; i.increment(error)) {
    auto target = to / i->path().filename();
    fs::copy_file(i->path(), target, error);
    if (error)
      break;
    if (auto failure = sync_path(target.string()))
      return failure;
  }
  if (error)
    return failed("copy " + from.string() + " to " + to.string(), error);
  return sync_path(to.string());
}

/// Moves `copy` to `into`, and what is there to `aside`. At no time is there nothing in `into`
/// where the file system can exchange two names, for a start would begin a new ledger then.
caf::error exchange(const fs::path& copy, const fs::path& into, const fs::path& aside) {
  std::error_code error;
  auto exchanged =
      ::renameat2(AT_FDCWD, copy.c_str(), AT_FDCWD, into.c_str(), RENAME_EXCHANGE) == 0;
  if (exchanged) {
    fs::rename(copy, aside, error);
  } else {
    fs::rename(into, aside, error);
    if (!error)
      fs::rename(copy, into, error);
  }
  if (error)
    return failed("move " + copy.string() + " to " + into.string() + " and what was there to " +
                      aside.string(),
                  error);
  return {};
}

caf::expected<std::string> take_place(const fs::path& copy, const fs::path& into) {
  std::error_code error;
  std::string aside;
  if (!fs::exists(into, error)) {
    fs::rename(copy, into, error);
    if (error)
      return failed("move " + copy.string() + " to " + into.string(), error);
  } else {
    auto lock = ledger_lock::take(into.string());
    if (!lock)
      return lock.error();
    aside = numbered(into, ".damaged-").string();
    if (auto failure = exchange(copy, into, aside))
      return failure;
  }
  if (auto failure = sync_path(into.parent_path().string()))
    return failure;
  return aside;
}

caf::error check(const ledger_store& x, const std::string& backup) {
  auto found = verify(x);
  if (!found)
    return found.error();
  if (found->sound())
    return {};
  return make_error(ec::storage_failed,
                    "the backup in " + backup + " is not sound: " + found->discrepancies.front());
}

} // namespace

caf::expected<std::string> ledger_store::restore(const std::string& backup,
                                                 const std::string& into) {
  std::error_code error;
  auto place = fs::absolute(into, error).lexically_normal();
  if (!place.has_filename()) // "ledger/"
    place = place.parent_path();
  auto copy = numbered(place, ".restoring-");
  auto prepare = [&]() -> caf::error {
    if (auto failure = copy_folder(backup, copy))
      return failure;
    auto x = open(copy.string(), {});
    if (!x)
      return x.error();
    if (auto failure = check(**x, backup))
      return failure;
    return (*x)->skip_incarnations();
  };
  auto failure = prepare();
  if (!failure)
    return take_place(copy, place);
  fs::remove_all(copy, error); // our own copy; one that stays costs space and nothing else
  return failure;
}

} // namespace sluice
