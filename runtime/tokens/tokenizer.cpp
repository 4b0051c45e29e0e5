#include "runtime/tokens/tokenizer.hpp"

#include "runtime/tokens/byte_pairs.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <stdexcept>
#include <string>

namespace sluice {

namespace {

// The patterns of js-tiktoken's vocabularies, where case is spelled out for want of "(?i:)".
constexpr std::string_view cl100k_pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|)"
    R"( ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view o200k_pattern =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)"
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)?|)"
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*)"
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)?|)"
    R"(\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

struct code_free {
  void operator()(pcre2_code* x) const { pcre2_code_free(x); }
};
struct match_free {
  void operator()(pcre2_match_data* x) const { pcre2_match_data_free(x); }
};
using compiled = std::unique_ptr<pcre2_code, code_free>;

compiled compile(std::string_view pattern) {
  int why = 0;
  PCRE2_SIZE where = 0;
  compiled result{pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                                PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF, &why, &where,
                                nullptr)};
  if (!result)
    throw std::logic_error("a token pattern is wrong at " + std::to_string(where));
  pcre2_jit_compile(result.get(), PCRE2_JIT_COMPLETE); // without it, it is slower
  return result;
}

pcre2_match_data* match_data() {
  static thread_local const std::unique_ptr<pcre2_match_data, match_free> result{
      pcre2_match_data_create(1, nullptr)};
  return result.get();
}

} // namespace

struct tokenizer::tables {
  explicit tables(token_encoding encoding)
      : ranks(encoding),
        pattern(compile(encoding == token_encoding::cl100k_base ? cl100k_pattern : o200k_pattern)) {
  }
  token_ranks ranks;
  compiled pattern;
};

tokenizer::tokenizer(std::unique_ptr<const tables> x) : tables_(std::move(x)) {}
tokenizer::~tokenizer() = default;

const tokenizer& tokenizer::of(token_encoding encoding) {
  if (encoding == token_encoding::cl100k_base) {
    static const tokenizer result{std::make_unique<tables>(encoding)};
    return result;
  }
  static const tokenizer result{std::make_unique<tables>(encoding)};
  return result;
}

std::vector<uint32_t> tokenizer::encode(std::string_view text) const {
  std::vector<uint32_t> result;
  result.reserve(text.size() / 4);
  auto bytewise = [&](size_t from, size_t to) {
    for (; from < to; ++from)
      join_byte_pairs(tables_->ranks, text.substr(from, 1), result);
  };
  auto* found = match_data();
  auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
  size_t at = 0;
  while (at < text.size()) {
    auto count = pcre2_match(tables_->pattern.get(), subject, text.size(), at, 0, found, nullptr);
    if (count < 0)
      break;
    auto* where = pcre2_get_ovector_pointer(found);
    bytewise(at, where[0]); // what is no UTF-8
    join_byte_pairs(tables_->ranks, text.substr(where[0], where[1] - where[0]), result);
    at = where[1];
  }
  bytewise(at, text.size());
  return result;
}

size_t tokenizer::count(std::string_view text) const {
  return encode(text).size();
}

token_encoding token_encoding_of(std::string_view upstream_model) {
  for (auto older : {"gpt-4-", "gpt-3.5", "gpt-35", "text-embedding"})
    if (upstream_model.starts_with(older))
      return token_encoding::cl100k_base;
  return upstream_model == "gpt-4" ? token_encoding::cl100k_base : token_encoding::o200k_base;
}

} // namespace sluice
