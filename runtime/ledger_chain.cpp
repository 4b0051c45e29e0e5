#include "runtime/ledger_chain.hpp"

#include "runtime/record_fields.hpp"

#include <openssl/evp.h>

#include <algorithm>

namespace sluice {

namespace {

constexpr uint8_t charge_version = 1;
constexpr uint8_t row_version = 1;

/// The fields in their order on the disk; append only, or take the next version.
template <class Archive, class Charge>
void charge_fields(Archive& f, Charge& x) {
  f(x.id.node);
  f(x.id.incarnation);
  f(x.id.number);
  f(x.purpose.owner.tenant);
  f(x.purpose.owner.team);
  f(x.purpose.owner.user);
  f(x.purpose.owner.key_id);
  f(x.purpose.request_id);
  f(x.purpose.attempt);
  f(x.purpose.route);
  f(x.purpose.model);
  f(x.purpose.deployment);
  f(x.purpose.price_version);
  f(x.most);
  f(x.reserved);
  f(x.accounts);
}

/// The charge as a text of its own: either may grow by fields.
template <class Archive, class Row, class Charge>
void row_fields(Archive& f, Row& x, Charge& charge) {
  f(charge);
  f(x.outcome.usage);
  f(x.outcome.cost);
  f(x.outcome.counterfactual);
  f(x.outcome.flags);
  f(x.settled);
}

} // namespace

std::string encode_charge(const open_charge& x) {
  field_writer f{charge_version};
  charge_fields(f, x);
  return f.take();
}

caf::expected<open_charge> decode_charge(std::string_view bytes) {
  open_charge result;
  field_reader f{bytes, charge_version};
  charge_fields(f, result);
  if (auto error = f.error())
    return error;
  return result;
}

std::string encode_row(const ledger_row& x) {
  field_writer f{row_version};
  auto charge = encode_charge(x.charge);
  row_fields(f, x, charge);
  return f.take();
}

caf::expected<ledger_row> decode_row(std::string_view bytes) {
  ledger_row result;
  std::string charge;
  field_reader f{bytes, row_version};
  row_fields(f, result, charge);
  if (auto error = f.error())
    return error;
  auto decoded = decode_charge(charge);
  if (!decoded)
    return decoded.error();
  result.charge = std::move(*decoded);
  return result;
}

std::string chain_begin() {
  return std::string(chain_bytes, '\0');
}

caf::expected<std::string> chain_next(std::string_view before, std::string_view row) {
  std::string both;
  both.reserve(before.size() + row.size());
  both.append(before).append(row);
  std::string result(chain_bytes, '\0');
  auto* out = reinterpret_cast<unsigned char*>(result.data());
  if (EVP_Q_digest(nullptr, "SHA256", nullptr, both.data(), both.size(), out, nullptr) != 1)
    return make_error(ec::storage_failed, "the chain of the ledger cannot be computed");
  return result;
}

nanousd cost_of(const ledger_row& x) {
  return x.outcome.has(charge_flag::assumed) ? x.charge.most : x.outcome.cost;
}

nanousd overrun_of(const ledger_row& x) {
  auto cost = cost_of(x);
  return cost > x.charge.most ? cost - x.charge.most : nanousd{};
}

std::chrono::sys_days day_of(const open_charge& x) {
  return std::chrono::floor<std::chrono::days>(x.reserved);
}

} // namespace sluice
