#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sluice {

/// No string of a log line is longer: names of models and keys are short, and a caller may send 32
/// MiB as a model's name.
constexpr size_t logged_bytes_max = 256;

/// Appends `text` as the inside of a JSON string: quotes, backslashes and control characters
/// (C0, DEL, C1) escaped, bytes that are not UTF-8 replaced by U+FFFD.
void append_json_escaped(std::string_view text, std::string& out);

/// Appends `text` for people at a terminal: blanks, control characters, backslashes and bytes that
/// are not UTF-8 as `\xNN`, so that no caller can forge a field, a line or a terminal command.
void append_console_escaped(std::string_view text, std::string& out);

/// `text` or, where it is longer than `bytes_max`, as many whole code points of it as fit.
std::string_view clipped(std::string_view text, size_t bytes_max = logged_bytes_max);

} // namespace sluice
