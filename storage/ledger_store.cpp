#include "storage/ledger_store.hpp"

#include "runtime/ec.hpp"
#include "runtime/ledger_chain.hpp"
#include "storage/data_folder.hpp"
#include "storage/ledger_tables.hpp"
#include "storage/rocksdb_error.hpp"

#include <rocksdb/utilities/checkpoint.h>

#include <algorithm>
#include <filesystem>
#include <random>

namespace sluice {

namespace {

namespace fs = std::filesystem;

/// The families, keys and records of this program; another number belongs to a program that knows
/// what to do with it.
constexpr std::string_view schema_key = "schema";
constexpr std::string_view schema = "1";
constexpr std::string_view state_key = "state";
constexpr std::string_view budget_key{"budget\0", 7}; ///< what those of budgets begin with

/// More often than that no node is started between a backup and its restoration.
constexpr uint64_t incarnations_skipped = 1'000'000;

caf::error damaged(const std::string& what, const std::string& how) {
  return make_error(ec::storage_failed, what + " of the ledger " + how +
                                            ": the data are damaged and were left as they are; "
                                            "restore a backup");
}

caf::error damaged(const std::string& what, const caf::error& why) {
  return damaged(what, "cannot be read (" + message_of(why) + ")");
}

uint64_t drawn() {
  std::random_device random;
  for (;;)
    if (auto result = uint64_t{random()} << 32 | random(); result != 0)
      return result;
}

/// What can be told without opening it: a database whose beginning is gone would be made anew over
/// what is left of it.
caf::error check_files(const std::string& folder, bool marked) {
  std::error_code error;
  auto left = marked;
  for (fs::directory_iterator i{folder, error}, end; !error && i != end; i.increment(error)) {
    auto name = i->path().filename().string();
    left = left || name.ends_with(".sst") || name.ends_with(".log");
  }
  if (!error && left)
    return make_error(ec::storage_failed,
                      "the ledger in " + folder +
                          " has lost its file CURRENT: the data are damaged and were left as they "
                          "are; restore a backup");
  if (error)
    return make_error(ec::storage_failed, "cannot read " + folder + ": " + error.message());
  return {};
}

/// Whether there is a ledger at all. Fails with `storage_failed` where it is another program's.
caf::expected<bool> check_schema(const ledger_tables& x) {
  std::string found;
  auto status = x.db->Get({}, x.meta, std::string{schema_key}, &found);
  if (status.IsNotFound())
    return false;
  if (auto error = to_error(status, "reading the ledger in " + x.folder))
    return error;
  if (found == schema)
    return true;
  return make_error(ec::storage_failed, "the ledger in " + x.folder + " has format " + found +
                                            ", but this program knows " + std::string{schema} +
                                            " only: was it written by a newer one?");
}

caf::expected<ledger_state> state_in(const ledger_tables& x) {
  std::string bytes;
  if (auto error = to_error(x.db->Get({}, x.meta, std::string{state_key}, &bytes),
                            "reading the ledger in " + x.folder))
    return error;
  return decode_state(bytes);
}

caf::error check_mark(const std::string& folder, uint64_t commits, uint64_t mark) {
  if (commits >= mark)
    return {};
  return make_error(ec::storage_failed,
                    "the ledger in " + folder +
                        " is damaged or lacks its end: it is whole up to "
                        "commit " +
                        std::to_string(commits) + ", but commit " + std::to_string(mark) +
                        " was acknowledged. It was left as it is, and has to be restored from a "
                        "backup");
}

/// Before it is opened for good, which would drop a torn end of a log: the evidence stays as it is.
/// And where there are several logs an end that is torn may be in the middle of what was committed,
/// so only commits before the first damage count.
caf::error check_unopened(const std::string& folder, uint64_t mark) {
  auto lock = ledger_lock::take(folder);
  if (!lock)
    return lock.error();
  auto tables = open_ledger_tables(folder, 0, ledger_access::whole_beginning);
  if (!tables)
    return tables.error();
  if (auto found = check_schema(*tables); !found)
    return found.error();
  auto state = state_in(*tables);
  if (!state)
    return damaged("the state", state.error());
  return check_mark(folder, state->commits, mark);
}

void put(rocksdb::WriteBatch& to, rocksdb::ColumnFamilyHandle* family, const std::string& key,
         const std::string& value) {
  to.Put(family, key, value); // fails only where batches have a limit
}

/// All values of a family whose keys begin with `prefix`. `decode` makes one of its bytes, `name`
/// says which it is, and its key has to be the one that it stands under.
template <class Value, class Decode, class Key, class Name>
caf::expected<std::vector<Value>>
all_of(const ledger_tables& from, rocksdb::ColumnFamilyHandle* family, const std::string& kind,
       Decode decode, Key key, Name name, std::string_view prefix = {}) {
  std::unique_ptr<rocksdb::Iterator> i{from.db->NewIterator({}, family)};
  std::vector<Value> result;
  for (i->Seek(std::string{prefix}); i->Valid() && i->key().ToStringView().starts_with(prefix);
       i->Next()) {
    auto x = decode(i->value().ToStringView());
    if (!x)
      return damaged(kind + " behind the first " + std::to_string(result.size()), x.error());
    if (key(*x) != i->key().ToStringView())
      return damaged(name(*x), "stands in the place of another");
    result.push_back(std::move(*x));
  }
  if (auto error = to_error(i->status(), "reading " + kind + " of the ledger"))
    return error;
  return result;
}

} // namespace

ledger_store::ledger_store(ledger_tables&& tables)
    : tables_(std::make_unique<ledger_tables>(std::move(tables))) {}

ledger_store::~ledger_store() = default;

caf::expected<std::unique_ptr<ledger_store>>
ledger_store::open(const std::string& folder, const ledger_store_options& options) {
  if (auto error = make_data_folder(folder))
    return error;
  auto mark = high_water::read(folder);
  if (!mark)
    return mark.error();
  std::error_code ignored; // what cannot be read is told when it is opened
  if (!fs::exists(fs::path{folder} / "CURRENT", ignored)) {
    if (auto error = check_files(folder, mark->has_value()))
      return error;
  } else if (*mark) {
    if (auto error = check_unopened(folder, **mark))
      return error;
  }
  auto tables = open_ledger_tables(folder, options.cache_bytes, ledger_access::write);
  if (!tables)
    return tables.error();
  std::unique_ptr<ledger_store> result{new ledger_store{std::move(*tables)}};
  if (auto error = result->load(options, *mark))
    return error;
  return result;
}

caf::expected<std::unique_ptr<const ledger_archive>>
ledger_store::snapshot(const std::string& folder) {
  auto none = [&] { return make_error(ec::storage_failed, "there is no ledger in " + folder); };
  std::error_code ignored; // what cannot be read is told when it is opened
  if (!fs::exists(fs::path{folder} / "CURRENT", ignored))
    return none();
  // Read before the database, which is never behind it then; and twice, for a read may meet a
  // number that is being written, and see half of it.
  auto mark = high_water::read(folder);
  if (!mark)
    return mark.error();
  auto again = high_water::read(folder);
  if (!again)
    return again.error();
  auto tables = open_ledger_snapshot(folder);
  if (!tables)
    return tables.error();
  auto found = check_schema(*tables);
  if (!found)
    return found.error();
  if (!*found) // a node that starts for the first time, or damage
    return !*mark && tables->empty() ? none() : damaged("the format", "is missing");
  auto state = state_in(*tables);
  if (!state)
    return damaged("the state", state.error());
  auto marked = std::min(mark->value_or(0), again->value_or(0));
  if (auto error = check_mark(folder, state->commits, marked))
    return error;
  std::unique_ptr<ledger_store> result{new ledger_store{std::move(*tables)}};
  result->state_ = std::move(*state);
  result->rows_ = result->state_.rows;
  result->commits_ = result->state_.commits;
  result->snapshot_ = true;
  return std::unique_ptr<const ledger_archive>{std::move(result)};
}

caf::error ledger_store::load(const ledger_store_options& options, std::optional<uint64_t> mark) {
  auto found = check_schema(*tables_);
  if (!found)
    return found.error();
  if (!*found) {
    // A start that was broken off before it wrote anything leaves no mark; all else is damage.
    if (mark || !tables_->empty())
      return damaged("the format", "is missing");
    if (auto error = begin_anew(options.node != 0 ? options.node : drawn()))
      return error;
  }
  auto state = state_in(*tables_);
  if (!state)
    return damaged("the state", state.error());
  state_ = std::move(*state);
  if (auto error = check_mark(tables_->folder, state_.commits, mark.value_or(0)))
    return error;
  // Without a mark it is a copy that somebody made of the database's own files, or an operator
  // removed one that was damaged: to refuse would only make them write one, and a disk that lost
  // both this file and the end of the log loses more than that.
  auto opened = high_water::open(tables_->folder, state_.commits);
  if (!opened)
    return opened.error();
  mark_ = std::move(*opened);
  rows_ = state_.rows;
  commits_ = state_.commits;
  return {};
}

caf::error ledger_store::begin_anew(uint64_t node) {
  ledger_state state;
  state.node = node;
  state.chain = chain_begin();
  rocksdb::WriteBatch batch;
  put(batch, tables_->meta, std::string{schema_key}, std::string{schema});
  put(batch, tables_->meta, std::string{state_key}, encode_state(state));
  rocksdb::WriteOptions durable;
  durable.sync = true;
  return to_error(tables_->db->Write(durable, &batch), "beginning a ledger in " + tables_->folder);
}

caf::error ledger_store::skip_incarnations() {
  auto state = state_;
  state.incarnation += incarnations_skipped;
  return write({}, std::move(state));
}

caf::expected<ledger_contents> ledger_store::begin() {
  ledger_contents result;
  auto charges = open();
  if (!charges)
    return charges.error();
  result.open = std::move(*charges);
  auto known = accounts();
  if (!known)
    return known.error();
  result.accounts = std::move(*known);
  auto all = days();
  if (!all)
    return all.error();
  std::ranges::copy_if(*all, std::back_inserter(result.days), [](auto& x) { return !x.closed; });
  auto set = budgets();
  if (!set)
    return set.error();
  result.budgets = std::move(*set);
  auto state = state_;
  ++state.incarnation;
  if (auto error = write({}, std::move(state)))
    return error;
  begun_ = true;
  result.node = state_.node;
  result.incarnation = state_.incarnation;
  result.latest = state_.latest;
  return result;
}

caf::error ledger_store::commit(ledger_batch&& x) {
  if (!begun_)
    return make_error(ec::storage_failed, "the ledger has not begun");
  if (broken_)
    return broken_;
  if (x.empty())
    return {};
  auto state = state_;
  state.latest = std::max(state.latest, x.now);
  return write(std::move(x), std::move(state));
}

caf::error ledger_store::write(ledger_batch&& x, ledger_state state) {
  if (broken_)
    return broken_;
  rocksdb::WriteBatch batch;
  for (auto& charge : x.opened)
    put(batch, tables_->open, key_of(charge.id), encode_charge(charge));
  for (auto& id : x.ended)
    batch.Delete(tables_->open, key_of(id));
  for (auto& row : x.rows) {
    auto bytes = encode_row(row);
    auto chain = chain_next(state.chain, bytes);
    if (!chain)
      return fail(chain.error());
    state.chain = std::move(*chain);
    put(batch, tables_->rows, key_of(++state.rows), encode_stored_row(state.chain, bytes));
  }
  for (auto& account : x.accounts)
    put(batch, tables_->accounts, key_of(uint64_t{account.number}), encode_account(account));
  for (auto& day : x.days) {
    if (day.closed) {
      day.last_row = state.rows;
      day.chain = state.chain;
    }
    put(batch, tables_->days, key_of(day.day), encode_day(day));
  }
  for (auto& budget : x.budgets) {
    if (budget.undo)
      batch.Delete(tables_->meta, key_of(budget.rule));
    else
      put(batch, tables_->meta, key_of(budget.rule), encode_budget(budget.rule));
  }
  ++state.commits;
  put(batch, tables_->meta, std::string{state_key}, encode_state(state));
  rocksdb::WriteOptions durable;
  durable.sync = true;
  if (auto error = to_error(tables_->db->Write(durable, &batch), "writing to the ledger"))
    return fail(error);
  if (auto error = mark_.write(state.commits))
    return fail(error);
  state_ = std::move(state);
  rows_ = state_.rows;
  commits_ = state_.commits;
  return {};
}

caf::error ledger_store::fail(caf::error why) {
  broken_ = std::move(why);
  sound_ = false;
  return broken_;
}

caf::expected<std::vector<numbered_row>> ledger_store::rows(uint64_t from,
                                                            uint32_t count_max) const {
  uint64_t last = rows_; // read first: what the iterator sees has all of these
  std::vector<numbered_row> result;
  rocksdb::ReadOptions options;
  options.readahead_size = 256 * 1024;
  std::unique_ptr<rocksdb::Iterator> i{tables_->db->NewIterator(options, tables_->rows)};
  auto number = std::max<uint64_t>(from, 1);
  for (i->Seek(key_of(number)); number <= last && result.size() < count_max; i->Next(), ++number) {
    auto name = "row " + std::to_string(number);
    if (auto error = to_error(i->status(), "reading " + name + " of the ledger"))
      return error;
    if (!i->Valid() || i->key().ToStringView() != key_of(number))
      return damaged(name, "is missing");
    auto row = decode_stored_row(number, i->value().ToStringView());
    if (!row)
      return damaged(name, row.error());
    result.push_back(std::move(*row));
  }
  return result;
}

caf::expected<std::vector<ledger_account>> ledger_store::accounts() const {
  return all_of<ledger_account>(
      *tables_, tables_->accounts, "accounts", decode_account,
      [](auto& x) { return key_of(uint64_t{x.number}); },
      [](auto& x) { return "account " + std::to_string(x.number); });
}

caf::expected<std::vector<ledger_day>> ledger_store::days() const {
  return all_of<ledger_day>(
      *tables_, tables_->days, "days", decode_day, [](auto& x) { return key_of(x.day); },
      [](auto& x) {
        return "day " + budget_period{period_kind::day, x.day, {}, {}}.name();
      });
}

caf::expected<std::vector<open_charge>> ledger_store::open() const {
  return all_of<open_charge>(
      *tables_, tables_->open, "open charges", decode_charge, [](auto& x) { return key_of(x.id); },
      [](auto& x) { return "open charge " + std::to_string(x.id.number); });
}

/// They stand beside format and state, so that an older program opens the ledger all the same.
caf::expected<std::vector<budget_rule>> ledger_store::budgets() const {
  return all_of<budget_rule>(
      *tables_, tables_->meta, "budgets", decode_budget, [](auto& x) { return key_of(x); },
      [](auto& x) { return "budget of '" + x.name + "'"; }, budget_key);
}

caf::error ledger_store::back_up(const std::string& folder) const {
  if (!sound_)
    return make_error(ec::storage_failed,
                      "a write to the ledger has failed: no backup is made of it before a restart");
  std::error_code error;
  auto path = fs::absolute(folder, error).lexically_normal();
  if (!path.has_filename()) // "backups/1/"
    path = path.parent_path();
  if (!error)
    fs::create_directories(path.parent_path(), error);
  if (error)
    return make_error(ec::storage_failed, "cannot make " + folder + ": " + error.message());
  if (snapshot_)
    return copy(path.string());
  uint64_t commits = commits_; // read first: the copy has all of these
  rocksdb::Checkpoint* made = nullptr;
  auto status = rocksdb::Checkpoint::Create(tables_->db.get(), &made);
  std::unique_ptr<rocksdb::Checkpoint> checkpoint{made};
  if (status.ok())
    status = checkpoint->CreateCheckpoint(path.string());
  if (auto failed = to_error(status, "backing the ledger up to " + folder))
    return failed;
  fs::permissions(path, fs::perms::owner_all, error);
  auto mark = high_water::open(path.string(), commits);
  if (!mark)
    return mark.error();
  return sync_path(path.parent_path().string());
}

} // namespace sluice
