#pragma once

#include <caf/all.hpp>

#include <cstdint>
#include <string>
#include <vector>

/// What is asked of the store: ordered keys with values, written in whole. Who keeps something
/// chooses its keys (`runtime/store_key.hpp`) and writes its records (`runtime/record.hpp`).
namespace sluice {

/// One change of the store.
struct store_change {
  enum class kind : uint8_t {
    put,
    erase,
    erase_prefix, ///< every key that begins with `key`
  };
  kind what = kind::put;
  std::string key;
  std::string value; ///< of `put`
};

/// Changes that happen together or not at all. They take effect in their order.
using store_changes = std::vector<store_change>;

inline store_change put(std::string key, std::string value) {
  return {store_change::kind::put, std::move(key), std::move(value)};
}
inline store_change erase(std::string key) {
  return {store_change::kind::erase, std::move(key), {}};
}
inline store_change erase_prefix(std::string key) {
  return {store_change::kind::erase_prefix, std::move(key), {}};
}

/// Asks for `changes`.
struct store_write {
  store_changes changes;
};

/// The changes are on the disk.
struct store_written {
  uint64_t sequence = 0; ///< of the store after them; grows with every write
};

struct store_read {
  std::string key;
};

struct store_value {
  bool found = false;
  std::string value;
};

/// Asks for what stands under keys that begin with `prefix`, in the order of the keys.
struct store_scan {
  enum class order : uint8_t { forwards, backwards };
  std::string prefix;
  std::string after; ///< a key, itself left out; empty to begin at the end that the order begins at
  order direction = order::forwards;
  uint32_t limit = 1;               ///< entries at most
  uint64_t bytes_max = 1024 * 1024; ///< of the values; one entry comes however large it is
};

struct store_entry {
  std::string key;
  std::string value;
};

struct store_page {
  std::vector<store_entry> entries;
  bool more = false; ///< there are further entries
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, store_change& x) {
  return f(caf::meta::type_name("sluice::store_change"), x.what, x.key, x.value);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, store_write& x) {
  return f(caf::meta::type_name("sluice::store_write"), x.changes);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, store_written& x) {
  return f(caf::meta::type_name("sluice::store_written"), x.sequence);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, store_read& x) {
  return f(caf::meta::type_name("sluice::store_read"), x.key);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, store_value& x) {
  return f(caf::meta::type_name("sluice::store_value"), x.found, x.value);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, store_scan& x) {
  return f(caf::meta::type_name("sluice::store_scan"), x.prefix, x.after, x.direction, x.limit,
           x.bytes_max);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, store_entry& x) {
  return f(caf::meta::type_name("sluice::store_entry"), x.key, x.value);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, store_page& x) {
  return f(caf::meta::type_name("sluice::store_page"), x.entries, x.more);
}

} // namespace sluice
