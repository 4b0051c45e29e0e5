#include "api/upstream/output_counter.hpp"

#include <simdjson.h>

namespace sluice {

namespace dom = simdjson::dom;

namespace {

/// Counted at once: a millisecond of the loop. At the seam of two parts a token more may be
/// counted.
constexpr size_t part_bytes_max = 16 * 1024;

/// Of one request or answer without usage: some milliseconds of the loop. Of what is longer four
/// bytes count as a token, OpenAI's rule of thumb for English.
constexpr size_t counted_bytes_max = 64 * 1024;
constexpr size_t bytes_of_token = 4;

/// A picture of 1024 x 1024 at high detail (OpenAI, "Images and vision": 4 tiles of 170 and 85).
constexpr int64_t image_tokens = 765;

/// As deep as a part of a message goes (a call's function's arguments), and some.
constexpr int depth_max = 8;

/// What says what a text is and is none itself.
bool is_label(std::string_view key) {
  return key == "role" || key == "type" || key == "id" || key == "tool_call_id";
}

bool is_image(std::string_view key) {
  return key == "image_url" || key == "input_audio" || key == "file";
}

/// Calls `text` for each text in `x`, and `image` for each thing that is none.
template <class Text, class Image>
void visit(dom::element x, int depth, Text& text, Image& image) {
  if (depth > depth_max)
    return;
  dom::object object;
  dom::array array;
  std::string_view found;
  if (x.get(found) == simdjson::SUCCESS) {
    text(found);
  } else if (x.get(object) == simdjson::SUCCESS) {
    for (auto [key, value] : object) {
      if (is_image(key))
        image();
      else if (!is_label(key))
        visit(value, depth + 1, text, image);
    }
  } else if (x.get(array) == simdjson::SUCCESS) {
    for (auto each : array)
      visit(each, depth + 1, text, image);
  }
}

/// Counts texts within `counted_bytes_max` of them all.
class bounded_counter {
public:
  explicit bounded_counter(token_encoding encoding) : by_(tokenizer::of(encoding)) {}

  int64_t count(std::string_view text) {
    auto exact = text.substr(0, left_);
    left_ -= exact.size();
    return static_cast<int64_t>(by_.count(exact) + (text.size() - exact.size()) / bytes_of_token);
  }

private:
  const tokenizer& by_;
  size_t left_ = counted_bytes_max;
};

int64_t tokens_in(dom::element x, bounded_counter& by) {
  int64_t result = 0;
  auto text = [&](std::string_view found) { result += by.count(found); };
  auto image = [&] { result += image_tokens; };
  visit(x, 0, text, image);
  return result;
}

/// A text, a list of texts, of tokens, or of lists of tokens.
int64_t tokens_of_input(dom::element x, bounded_counter& by) {
  std::string_view text;
  dom::array list;
  if (x.get(text) == simdjson::SUCCESS)
    return by.count(text);
  if (x.get(list) != simdjson::SUCCESS)
    return 1;
  int64_t result = 0;
  for (auto each : list)
    result += each.is_array() ? static_cast<int64_t>(each.get_array().value().size())
                              : tokens_of_input(each, by);
  return result;
}

} // namespace

void output_counter::add(std::string_view text) {
  text_ += text;
  if (text_.size() <= part_bytes_max)
    return;
  counted_ += static_cast<int64_t>(tokenizer::of(encoding_).count(text_));
  text_.clear();
  known_ = 0;
  known_bytes_ = 0;
}

void output_counter::add(const dom::element& message) {
  auto text = [this](std::string_view found) { add(found); };
  auto image = [] {};
  visit(message, 0, text, image);
}

int64_t output_counter::count() {
  if (known_bytes_ != text_.size()) {
    known_ = static_cast<int64_t>(tokenizer::of(encoding_).count(text_));
    known_bytes_ = text_.size();
  }
  return counted_ + known_;
}

bool output_counter::beyond(int64_t tokens) {
  auto at_most = counted_ + known_ + static_cast<int64_t>(text_.size() - known_bytes_);
  return at_most > tokens && count() > tokens;
}

token_encoding encoding_of(const upstream_call& call) {
  auto slash = call.deployment.find('/'); // "provider/model"
  return token_encoding_of(
      std::string_view{call.deployment}.substr(slash == std::string::npos ? 0 : slash + 1));
}

int64_t count_input(endpoint kind, std::string_view body, token_encoding encoding) {
  dom::parser parser;
  dom::element root;
  dom::element x;
  if (parser.parse(simdjson::padded_string{body}).get(root) != simdjson::SUCCESS)
    return 0;
  bounded_counter by{encoding};
  if (kind != endpoint::chat_completions) {
    auto* name = kind == endpoint::embeddings ? "input" : "prompt";
    return root[name].get(x) == simdjson::SUCCESS ? tokens_of_input(x, by) : 0;
  }
  int64_t result = tokens_of_reply;
  dom::array messages;
  if (root["messages"].get(messages) == simdjson::SUCCESS)
    for (auto each : messages) // the role is one token of each
      result += int64_t{tokens_of_message} + 1 + tokens_in(each, by);
  if (root["tools"].get(x) == simdjson::SUCCESS)
    result += by.count(simdjson::minify(x));
  return result;
}

token_usage counted_usage(const upstream_call& call, int64_t output_tokens) {
  token_usage result;
  result.input = count_input(call.kind, call.body.str(), encoding_of(call));
  result.output = output_tokens;
  return result;
}

int64_t count_output(const dom::object& reply, token_encoding encoding) {
  bounded_counter by{encoding};
  int64_t result = 0;
  dom::array choices;
  if (reply["choices"].get(choices) != simdjson::SUCCESS)
    return 0;
  for (auto choice : choices) {
    dom::element x;
    if (choice["message"].get(x) == simdjson::SUCCESS || choice["text"].get(x) == simdjson::SUCCESS)
      result += tokens_in(x, by);
  }
  return result;
}

} // namespace sluice
