#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Finding the parts of a JSON text without changing it. The text has been validated where it came
/// in; of one that was not, the parts mean nothing, but they are within it.
namespace sluice {

/// A field of an object, as its bytes stand in the text.
struct json_field {
  std::string_view key; ///< between its quotes, escapes kept
  std::string_view value;
};

using json_fields = std::vector<json_field>;

/// The fields of an object, in order. Empty for other texts.
std::optional<json_fields> read_json_fields(std::string_view text);

/// The items of a list. Empty for other texts.
std::optional<std::vector<std::string_view>> read_json_items(std::string_view text);

/// The fields of each item of a list of objects. Empty for other texts.
std::optional<std::vector<json_fields>> read_json_objects(std::string_view text);

/// The value of the only field called `key`; empty where there is none or a second one.
std::string_view sole_value(const json_fields& fields, std::string_view key);

/// Whether the field `key` is absent, null or one of `values`.
bool is_default(const json_fields& fields, std::string_view key,
                std::initializer_list<std::string_view> values);

/// A whole number that is not negative, written with digits alone.
std::optional<int64_t> read_json_count(std::string_view value);

/// The text that a JSON string stands for. Empty for other values, and for one that no UTF-8 text
/// can stand for (half a surrogate pair).
std::optional<std::string> read_json_text(std::string_view quoted);

/// Appends `text`, which is UTF-8, as a JSON string. Unlike what is written for logs it says every
/// character.
void append_json_text(std::string& out, std::string_view text);

/// Bytes of the UTF-8 text that a JSON string stands for.
size_t json_string_bytes(std::string_view quoted);

/// Appends `"key":value`, after a comma where `out` does not end at the beginning of an object.
void append_json_field(std::string& out, std::string_view key, std::string_view value);

} // namespace sluice
