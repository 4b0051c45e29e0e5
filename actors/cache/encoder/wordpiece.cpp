#include "actors/cache/encoder/wordpiece.hpp"

#include "actors/cache/encoder/word_splitter.hpp"
#include "runtime/ec.hpp"

#include <cassert>
#include <fstream>

namespace sluice {

namespace {

/// BERT's has 30,522; the largest multilingual ones have 250,000. A file beyond this is another.
constexpr size_t pieces_max = 1'000'000;

/// The longest piece of BERT's vocabulary has 18 bytes. Keeps the greedy search of a word from
/// being quadratic in its length, and a file that is no vocabulary from being taken for one.
constexpr size_t piece_bytes_max = 256;

/// `added_tokens` of the model's tokenizer.json.
constexpr std::string_view special_names[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};

constexpr int32_t no_piece = -1;

caf::error not_a_vocabulary(const std::filesystem::path& path, const std::string& why) {
  return make_error(ec::bad_configuration, path.string() + ": " + why);
}

/// How many bytes at the start of `text` are the name of a special token; 0 for none.
size_t special_prefix(std::string_view text) {
  for (auto name : special_names)
    if (text.starts_with(name))
      return name.size();
  return 0;
}

} // namespace

caf::expected<wordpiece> wordpiece::load(const std::filesystem::path& vocabulary) {
  std::ifstream in(vocabulary);
  if (!in)
    return make_error(ec::io_failed, vocabulary.string() + ": cannot be read");
  wordpiece result;
  for (std::string line; std::getline(in, line);) {
    if (line.ends_with('\r'))
      line.pop_back();
    if (line.size() > piece_bytes_max)
      return not_a_vocabulary(vocabulary,
                              "has a piece of " + std::to_string(line.size()) + " bytes");
    auto number = static_cast<int32_t>(result.numbers_.size());
    if (!result.numbers_.emplace(std::move(line), number).second)
      return not_a_vocabulary(vocabulary,
                              "line " + std::to_string(number + 1) + " is there a second time");
    if (result.numbers_.size() > pieces_max)
      return not_a_vocabulary(vocabulary,
                              "has more than " + std::to_string(pieces_max) + " pieces");
  }
  for (auto name : special_names)
    if (result.find(name) == no_piece)
      return not_a_vocabulary(vocabulary, "lacks " + std::string{name});
  result.special_ = {result.find("[UNK]"), result.find("[CLS]"), result.find("[SEP]")};
  return result;
}

std::vector<int32_t> wordpiece::encode(std::string_view text, size_t tokens_max) const {
  return encode(text, tokens_max, nullptr);
}

std::vector<int32_t> wordpiece::encode(std::string_view text, size_t tokens_max,
                                       std::vector<spelled_word>& words) const {
  return encode(text, tokens_max, &words);
}

std::vector<int32_t> wordpiece::encode(std::string_view text, size_t tokens_max,
                                       std::vector<spelled_word>* words) const {
  assert(tokens_max >= 2);
  std::vector<int32_t> result{special_.begin};
  size_t plain = 0; // where the text after the last special token starts
  for (auto i = text.find('['); i != std::string_view::npos && result.size() < tokens_max;
       i = text.find('[', i)) {
    auto length = special_prefix(text.substr(i));
    if (length == 0) {
      ++i;
      continue;
    }
    add_text(text.substr(plain, i - plain), tokens_max, result, words);
    result.push_back(find(text.substr(i, length)));
    plain = i += length;
  }
  add_text(text.substr(plain), tokens_max, result, words);
  result.resize(std::min(result.size(), tokens_max - 1));
  result.push_back(special_.end);
  // What was left out is no word, and of one cut in two the part before the cut counts.
  while (words && !words->empty() && words->back().first + 1 >= result.size())
    words->pop_back();
  if (words && !words->empty())
    words->back().count = std::min(words->back().count, result.size() - 1 - words->back().first);
  return result;
}

int32_t wordpiece::find(std::string_view piece) const {
  auto i = numbers_.find(piece);
  return i == numbers_.end() ? no_piece : i->second;
}

void wordpiece::add_text(std::string_view text, size_t tokens_max, std::vector<int32_t>& out,
                         std::vector<spelled_word>* words) const {
  word_splitter splitter(text);
  while (out.size() < tokens_max && splitter.next()) {
    auto first = out.size();
    if (splitter.too_long())
      out.push_back(special_.unknown);
    else
      add_word(splitter.word(), out);
    if (words)
      words->push_back({std::string{splitter.word()}, first, out.size() - first});
  }
}

/// A word that does not consist of pieces as a whole is unknown as a whole.
void wordpiece::add_word(std::string_view word, std::vector<int32_t>& out) const {
  auto before = out.size();
  std::string piece;
  for (size_t start = 0; start < word.size();) {
    std::string_view prefix = start > 0 ? "##" : "";
    auto length = std::min(word.size() - start, piece_bytes_max);
    auto number = no_piece;
    for (; length > 0 && number == no_piece; --length) {
      piece.assign(prefix).append(word, start, length);
      number = find(piece);
    }
    if (number == no_piece) {
      out.resize(before);
      out.push_back(special_.unknown);
      return;
    }
    out.push_back(number);
    start += length + 1;
  }
}

} // namespace sluice
