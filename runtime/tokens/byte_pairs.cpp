#include "runtime/tokens/byte_pairs.hpp"

#include <algorithm>
#include <array>
#include <queue>

namespace sluice {

namespace {

/// Pieces up to here are words and the like: looking at all pairs each time is faster than a queue.
constexpr size_t short_piece = 64;

void join_short(const token_ranks& ranks, std::string_view piece, std::vector<uint32_t>& out) {
  struct part {
    uint32_t begin = 0;
    uint32_t rank = token_ranks::none; ///< of its join with the next one
  };
  std::array<part, short_piece + 1> parts;
  auto count = piece.size();
  auto rank_at = [&](size_t i) {
    if (i + 2 > count)
      return token_ranks::none;
    auto begin = parts[i].begin;
    return ranks.find(piece.substr(begin, parts[i + 2].begin - begin));
  };
  for (size_t i = 0; i <= count; ++i)
    parts[i].begin = static_cast<uint32_t>(i);
  for (size_t i = 0; i < count; ++i)
    parts[i].rank = rank_at(i);
  while (count > 1) {
    size_t best = 0;
    for (size_t i = 1; i + 1 < count; ++i)
      if (parts[i].rank < parts[best].rank)
        best = i;
    if (parts[best].rank == token_ranks::none)
      break;
    std::move(parts.begin() + static_cast<ptrdiff_t>(best) + 2,
              parts.begin() + static_cast<ptrdiff_t>(count) + 1,
              parts.begin() + static_cast<ptrdiff_t>(best) + 1);
    --count;
    parts[best].rank = rank_at(best);
    if (best > 0)
      parts[best - 1].rank = rank_at(best - 1);
  }
  for (size_t i = 0; i < count; ++i)
    out.push_back(ranks.find(piece.substr(parts[i].begin, parts[i + 1].begin - parts[i].begin)));
}

/// With a list of the parts and a queue of their joins, of which those that are out of date are
/// passed over.
void join_long(const token_ranks& ranks, std::string_view piece, std::vector<uint32_t>& out) {
  constexpr auto end = static_cast<uint32_t>(-1);
  struct part {
    uint32_t before = end;
    uint32_t next = end;
    uint32_t length = 1; ///< 0 once it is joined to the one before
  };
  struct join {
    uint32_t rank;
    uint32_t left;
    uint32_t length;                      ///< of both together, as it was
    bool operator<(const join& x) const { // the first in the queue is the greatest
      return rank != x.rank ? rank > x.rank : left > x.left;
    }
  };
  std::vector<part> parts(piece.size());
  std::priority_queue<join> joins;
  auto consider = [&](uint32_t left) {
    auto right = parts[left].next;
    if (right == end)
      return;
    auto length = parts[left].length + parts[right].length;
    if (auto rank = ranks.find(piece.substr(left, length)); rank != token_ranks::none)
      joins.push({rank, left, length});
  };
  for (uint32_t i = 0; i < parts.size(); ++i) {
    parts[i].before = i == 0 ? end : i - 1;
    parts[i].next = i + 1 == parts.size() ? end : i + 1;
  }
  for (uint32_t i = 0; i < parts.size(); ++i)
    consider(i);
  while (!joins.empty()) {
    auto x = joins.top();
    joins.pop();
    auto& left = parts[x.left];
    if (left.length == 0 || left.next == end || left.length + parts[left.next].length != x.length)
      continue;
    auto& right = parts[left.next];
    left.length = x.length;
    right.length = 0;
    left.next = right.next;
    if (left.next != end)
      parts[left.next].before = x.left;
    consider(x.left);
    if (left.before != end)
      consider(left.before);
  }
  for (uint32_t i = 0; i != end; i = parts[i].next)
    out.push_back(ranks.find(piece.substr(i, parts[i].length)));
}

} // namespace

void join_byte_pairs(const token_ranks& ranks, std::string_view piece, std::vector<uint32_t>& out) {
  if (auto whole = ranks.find(piece); whole != token_ranks::none)
    out.push_back(whole);
  else if (piece.size() <= short_piece)
    join_short(ranks, piece, out);
  else
    join_long(ranks, piece, out);
}

} // namespace sluice
