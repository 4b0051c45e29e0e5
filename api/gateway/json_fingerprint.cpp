#include "api/gateway/json_fingerprint.hpp"

#include "api/gateway/cache_rules.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <vector>

namespace sluice {

namespace {

namespace dom = simdjson::dom;

/// Longest question that is compared with others; longer ones are documents.
constexpr size_t question_bytes_max = 4 * 1024;

/// Top-level fields that change nothing in the answer. `stream` and `stream_options` are read on
/// their own.
bool is_passive(std::string_view key) {
  return key == "stream" || key == "stream_options" || key == "user" || key == "metadata" ||
         key == "store" || key == "safety_identifier" || key == "prompt_cache_key" ||
         key == "service_tier";
}

/// Top-level fields in which the order of keys counts.
bool is_ordered(std::string_view key) {
  return key == "response_format" || key == "tools" || key == "functions";
}

/// Takes bytes for one hash; a usual request fits its buffer and is hashed in one go.
class hash_sink {
public:
  explicit hash_sink(uint64_t seed) : seed_(seed) {}

  void word(char kind, uint64_t value) {
    if (room() < word_bytes)
      flush();
    put_word(kind, value);
  }
  void mark(char kind) {
    if (room() < 1)
      flush();
    buffer_[used_++] = kind;
  }
  void text(std::string_view x) {
    word('s', x.size());
    while (x.size() > room()) {
      auto part = x.substr(0, room());
      put(part);
      flush();
      x.remove_prefix(part.size());
    }
    put(x);
  }

  fingerprint finish() {
    auto result = hash();
    // Zero says that nothing is shared.
    result.low |= !result;
    return result;
  }

private:
  static constexpr size_t word_bytes = 9;

  size_t room() const { return buffer_.size() - used_; }

  fingerprint hash() const {
    auto result = XXH3_128bits_withSeed(buffer_.data(), used_, seed_);
    return {result.high64, result.low64};
  }
  void put(std::string_view x) {
    std::memcpy(buffer_.data() + used_, x.data(), x.size());
    used_ += x.size();
  }
  void put_word(char kind, uint64_t value) {
    buffer_[used_] = kind;
    std::memcpy(buffer_.data() + used_ + 1, &value, 8);
    used_ += word_bytes;
  }
  /// Hashes what is full; the hash takes its place.
  void flush() {
    auto so_far = hash();
    used_ = 0;
    put_word('+', so_far.high);
    put_word('+', so_far.low);
  }

  uint64_t seed_;
  size_t used_ = 0;
  std::array<char, 4 * 1024> buffer_;
};

/// The value of `x`, whose type has been looked at.
template <class T>
T value_of(dom::element x) {
  T result{};
  [[maybe_unused]] auto error = x.get(result);
  return result;
}

struct named_value {
  std::string_view key;
  dom::element value;
};

/// Feeds JSON values to a sink, each between marks or with its length, so that different values
/// never feed the same bytes.
class canonical_walk {
public:
  /// The text at `hidden`, where there is one, is fed as if it had no content.
  canonical_walk(hash_sink& to, const char* hidden) : to_(to), hidden_(hidden) {}

  void value(dom::element x, bool ordered) {
    switch (x.type()) {
    case dom::element_type::STRING: {
      auto text = value_of<std::string_view>(x);
      if (hidden_ && text.data() == hidden_)
        return to_.mark('h');
      return to_.text(text);
    }
    case dom::element_type::INT64:
      return to_.word('i', static_cast<uint64_t>(value_of<int64_t>(x)));
    case dom::element_type::UINT64:
      return to_.word('u', value_of<uint64_t>(x));
    case dom::element_type::DOUBLE:
      return to_.word('d', std::bit_cast<uint64_t>(value_of<double>(x)));
    case dom::element_type::BOOL:
      return to_.mark(value_of<bool>(x) ? 't' : 'f');
    case dom::element_type::NULL_VALUE:
      return to_.mark('n');
    case dom::element_type::ARRAY:
      to_.mark('[');
      for (auto each : value_of<dom::array>(x))
        value(each, ordered);
      return to_.mark(']');
    case dom::element_type::OBJECT:
      return object(value_of<dom::object>(x), ordered);
    }
  }

  void root(dom::object x) {
    members(
        x, [](std::string_view key) { return !is_passive(key); },
        [this](const named_value& each) {
          if (alone_ && each.key == "messages" && each.value.is_array())
            return question_alone(value_of<dom::array>(each.value));
          value(each.value, is_ordered(each.key));
        });
  }

  /// Of a conversation only the instructions and the last message.
  void alone() { alone_ = true; }

private:
  void question_alone(dom::array messages) {
    to_.mark('(');
    auto left = messages.size();
    for (auto each : messages) {
      std::string_view role;
      auto instructs =
          each["role"].get(role) == simdjson::SUCCESS && (role == "system" || role == "developer");
      if (--left == 0 || instructs)
        value(each, false);
    }
    to_.mark(')');
  }

  void object(dom::object x, bool ordered) {
    if (!ordered)
      return members(
          x, [](std::string_view) { return true; },
          [this](const named_value& each) { value(each.value, false); });
    to_.mark('<');
    for (auto [key, each] : x) {
      to_.text(key);
      value(each, true);
    }
    to_.mark('>');
  }

  /// The members in the order of their keys. Those of a key that stands twice stay as they came,
  /// for one reader takes the first and another the last.
  template <class Wanted, class Feed>
  void members(dom::object x, Wanted wanted, Feed feed) {
    std::array<named_value, few> some;
    std::vector<named_value> many;
    size_t count = 0;
    for (auto [key, each] : x) {
      if (!wanted(key))
        continue;
      if (count < few)
        some[count] = {key, each};
      else if (count == few)
        many.assign(some.begin(), some.end());
      if (count++ >= few)
        many.push_back({key, each});
    }
    auto* begin = count > few ? many.data() : some.data();
    auto* end = begin + count;
    if (count > few) {
      std::stable_sort(begin, end, [](auto& a, auto& b) { return a.key < b.key; });
    } else { // by insertion: stable, without memory, and fast for the few keys that objects have
      for (auto* i = begin; i != end; ++i)
        for (auto* j = i; j != begin && j->key < (j - 1)->key; --j)
          std::swap(*j, *(j - 1));
    }
    to_.mark('{');
    for (auto* i = begin; i != end; ++i) {
      to_.text(i->key);
      feed(*i);
    }
    to_.mark('}');
  }

  /// Keys of objects as requests have them; one of more takes memory.
  static constexpr size_t few = 10;

  hash_sink& to_;
  const char* hidden_;
  bool alone_ = false;
};

fingerprint hash_of(endpoint kind, dom::object request, const merge_rules& rules,
                    const char* hidden, bool alone = false) {
  hash_sink sink{rules.seed};
  sink.word('k', static_cast<uint64_t>(kind));
  sink.text(rules.tenant);
  canonical_walk walk{sink, hidden};
  if (alone)
    walk.alone();
  walk.root(request);
  // Of a stream's options only the one that says what is done with usage is kept apart by the
  // call's mode.
  dom::object options;
  if (request["stream_options"].get(options) == simdjson::SUCCESS)
    for (auto [key, value] : options)
      if (key != "include_usage") {
        sink.text(key);
        canonical_walk{sink, nullptr}.value(value, true);
      }
  return sink.finish();
}

bool wants_own(dom::object request, double temperature_max) {
  bool store = false;
  if (request["store"].get(store) == simdjson::SUCCESS && store)
    return true;
  dom::element temperature;
  if (request["temperature"].get(temperature) != simdjson::SUCCESS || temperature.is_null())
    return false;
  double value = 0;
  if (temperature.get(value) == simdjson::SUCCESS && value <= temperature_max)
    return false;
  dom::element seed;
  return request["seed"].get(seed) != simdjson::SUCCESS || seed.is_null();
}

bool any_conversation(dom::object request, const merge_rules& rules) {
  std::string_view model;
  if (!rules.policies || rules.policies->empty() ||
      request["model"].get(model) != simdjson::SUCCESS)
    return false;
  auto* policy = policy_of(*rules.policies, rules.tenant, model);
  return policy && policy->any_conversation.value_or(false);
}

/// The text that asks: the last message where it is a user's, or the prompt. Empty where it is
/// none, or too long.
std::string_view question_of(endpoint kind, dom::object request) {
  std::string_view text;
  if (kind == endpoint::chat_completions) {
    dom::array messages;
    dom::element last;
    if (request["messages"].get(messages) != simdjson::SUCCESS)
      return {};
    for (auto each : messages)
      last = each;
    std::string_view role;
    if (last["role"].get(role) != simdjson::SUCCESS || role != "user" ||
        last["content"].get(text) != simdjson::SUCCESS)
      return {};
  } else if (kind != endpoint::completions || request["prompt"].get(text) != simdjson::SUCCESS) {
    return {};
  }
  return text.size() <= question_bytes_max ? text : std::string_view{};
}

} // namespace

merge_terms merge_terms_of(endpoint kind, dom::object request, const merge_rules& rules) {
  merge_terms result;
  if (wants_own(request, rules.temperature_max))
    return result;
  result.exact = hash_of(kind, request, rules, nullptr);
  if (!rules.similar)
    return result;
  auto question = question_of(kind, request);
  if (question.empty())
    return result;
  result.question = question;
  result.scope = hash_of(kind, request, rules, question.data(), any_conversation(request, rules));
  return result;
}

} // namespace sluice
