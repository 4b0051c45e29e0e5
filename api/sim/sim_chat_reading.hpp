#pragma once

#include "api/sim/sim_request.hpp"

#include <string>

/// The parts of reading a chat request.
namespace sluice {

/// A chat while it is read.
struct chat_reading {
  sim_request& to;
  sim_fields& from;
  uint64_t hash;
  int64_t tokens = 0;
  std::string user_text;     ///< of the last message of the user
  std::string last_role;     ///< of the last message
  bool json_matters = false; ///< somebody will ask for the next, which takes a search
  bool says_json = false;    ///< the word is somewhere in the messages

  /// Takes the text into the hash and the count.
  void add_text(const std::string& text);
};

/// Reads 'tools' and 'tool_choice', once the messages have been read.
void read_chat_tools(chat_reading& r);

/// Reads 'response_format', once the tools have been read.
void read_chat_response_format(chat_reading& r);

/// The questions of a packed prompt, each as it would be read alone; all tokens count for the
/// first. Empty where the chat is none, whatever its schema is called. `seed` is that of a lone
/// chat.
std::vector<sim_prompt> read_packed_prompts(const chat_reading& r, uint64_t seed);

} // namespace sluice
