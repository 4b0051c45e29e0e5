#include "actors/ledger/escrow_home.hpp"

#include <algorithm>

namespace sluice {

escrow_home::escrow_home(nanousd limit, charge_book& book, std::map<uint64_t, escrow_share> shares)
    : limit_(limit), book_(book), shares_(std::move(shares)) {}

nanousd escrow_home::free() const {
  auto result = limit_;
  for (auto& [node, x] : shares_)
    result = result - x.granted + x.returned;
  return result;
}

nanousd escrow_home::spent() const {
  nanousd result;
  for (auto& [node, x] : shares_)
    result += x.closed ? std::max(x.settled, x.granted - x.returned) : x.settled;
  return result;
}

std::optional<grant_answer> escrow_home::on_request(uint64_t node, const grant_request& request) {
  auto& x = shares_[node];
  if (x.closed)
    return std::nullopt;
  if (request.number == x.grants + 1) {
    x.last_grant = std::clamp(request.wanted, nanousd{}, std::max(free(), nanousd{}));
    x.granted += x.last_grant;
    ++x.grants;
  }
  if (request.number != x.grants || x.grants == 0)
    return std::nullopt;
  return grant_answer{request.number, x.last_grant};
}

std::vector<charge_id> escrow_home::on_settlement(uint64_t node, const settlement& told) {
  auto& x = shares_[node];
  std::vector<charge_id> result;
  for (auto& charge : told.charges) {
    if (book_.add(charge))
      x.settled += charge.cost;
    result.push_back(charge.id);
  }
  if (!x.closed) // what a lost node would give back was counted as spent
    x.returned = std::max(x.returned, told.returned);
  return result;
}

nanousd escrow_home::lose(uint64_t node) {
  auto& x = shares_[node];
  x.closed = true;
  return std::max(x.granted - x.returned - x.settled, nanousd{});
}

} // namespace sluice
