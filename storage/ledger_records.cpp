#include "storage/ledger_records.hpp"

#include "runtime/ledger_chain.hpp"
#include "runtime/record_fields.hpp"

namespace sluice {

namespace {

constexpr uint8_t state_version = 1;
constexpr uint8_t account_version = 1;
constexpr uint8_t day_version = 1;
constexpr uint8_t budget_version = 1;

// The fields in their order on the disk; append only, or take the next version.

template <class Archive, class State>
void state_fields(Archive& f, State& x) {
  f(x.node);
  f(x.incarnation);
  f(x.commits);
  f(x.rows);
  f(x.chain);
  f(x.latest);
}

template <class Archive, class Account>
void account_fields(Archive& f, Account& x) {
  f(x.number);
  f.choice(x.scope, budget_scope::key);
  f(x.owner.tenant);
  f(x.owner.team);
  f(x.owner.user);
  f(x.owner.key_id);
  f(x.model);
  f.choice(x.period, period_kind::month);
  f(x.zone);
  f(x.begin);
  f(x.end);
  f(x.limit);
  f.choice(x.action, budget_action::downgrade);
  f(x.granted);
  f(x.returned);
  f(x.spent);
  f(x.grants);
  f(x.overrun);
  f(x.charges);
  f(x.alerted);
  f(x.foreseen);
}

template <class Archive, class Day>
void day_fields(Archive& f, Day& x) {
  f(x.day);
  f(x.charges);
  f(x.spent);
  f(x.closed);
  f(x.last_row);
  f(x.chain);
}

template <class Archive, class Budget>
void budget_fields(Archive& f, Budget& x) {
  f.choice(x.scope, budget_scope::key);
  f(x.name);
  f(x.tenant);
  f(x.model);
  f.choice(x.period, period_kind::month);
  f(x.zone);
  f.choice(x.action, budget_action::downgrade);
  f(x.limited);
  f(x.limit);
  f(x.at_run_time);
}

} // namespace

std::string encode_state(const ledger_state& x) {
  field_writer f{state_version};
  state_fields(f, x);
  return f.take();
}

caf::expected<ledger_state> decode_state(std::string_view bytes) {
  ledger_state result;
  field_reader f{bytes, state_version};
  state_fields(f, result);
  f.expect(result.chain.size() == chain_bytes);
  if (auto error = f.error())
    return error;
  return result;
}

std::string encode_account(const ledger_account& x) {
  field_writer f{account_version};
  account_fields(f, x);
  return f.take();
}

caf::expected<ledger_account> decode_account(std::string_view bytes) {
  ledger_account result;
  field_reader f{bytes, account_version};
  account_fields(f, result);
  if (auto error = f.error())
    return error;
  return result;
}

std::string encode_day(const ledger_day& x) {
  field_writer f{day_version};
  day_fields(f, x);
  return f.take();
}

caf::expected<ledger_day> decode_day(std::string_view bytes) {
  ledger_day result;
  field_reader f{bytes, day_version};
  day_fields(f, result);
  f.expect(!result.closed || result.chain.size() == chain_bytes);
  if (auto error = f.error())
    return error;
  return result;
}

std::string encode_budget(const budget_rule& x) {
  field_writer f{budget_version};
  budget_fields(f, x);
  return f.take();
}

caf::expected<budget_rule> decode_budget(std::string_view bytes) {
  budget_rule result;
  field_reader f{bytes, budget_version};
  budget_fields(f, result);
  if (auto error = f.error())
    return error;
  return result;
}

std::string encode_stored_row(std::string_view chain, std::string_view row) {
  std::string result{chain};
  result += row;
  return result;
}

caf::expected<numbered_row> decode_stored_row(uint64_t number, std::string_view bytes) {
  if (bytes.size() <= chain_bytes)
    return make_error(ec::storage_failed, "a stored record is damaged: it is too short");
  auto row = decode_row(bytes.substr(chain_bytes));
  if (!row)
    return row.error();
  return numbered_row{number, std::string{bytes.substr(0, chain_bytes)}, std::move(*row),
                      std::string{bytes.substr(chain_bytes)}};
}

std::string key_of(uint64_t number) {
  std::string result;
  for (int shift = 56; shift >= 0; shift -= 8)
    result.push_back(static_cast<char>(number >> shift & 0xff));
  return result;
}

std::string key_of(const charge_id& x) {
  return key_of(x.node) + key_of(x.incarnation) + key_of(x.number);
}

std::string key_of(std::chrono::sys_days x) {
  // Days before 1970 stand before those after it.
  constexpr uint64_t middle = uint64_t{1} << 63;
  return key_of(static_cast<uint64_t>(int64_t{x.time_since_epoch().count()}) ^ middle);
}

std::string key_of(const budget_rule& x) {
  std::string result{"budget"};
  for (auto text : {std::string_view{x.name}, std::string_view{x.tenant}, std::string_view{x.model},
                    to_string_view(x.scope), to_string_view(x.period)})
    (result += '\0') += text;
  return result;
}

} // namespace sluice
