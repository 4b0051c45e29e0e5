#include "actors/cache/encoder/word_splitter.hpp"

#include <utf8proc.h>

namespace sluice {

namespace {

bool is_blank(int32_t x) {
  switch (utf8proc_category(x)) {
  case UTF8PROC_CATEGORY_ZS:
  case UTF8PROC_CATEGORY_ZL:
  case UTF8PROC_CATEGORY_ZP:
    return true;
  default:
    return x == '\t' || x == '\n' || x == '\r';
  }
}

/// Characters without a shape of their own. The replacement character stands for what was lost.
bool is_dropped(int32_t x) {
  switch (utf8proc_category(x)) {
  case UTF8PROC_CATEGORY_CC:
  case UTF8PROC_CATEGORY_CF:
  case UTF8PROC_CATEGORY_CO:
  case UTF8PROC_CATEGORY_CS:
    return x != '\t' && x != '\n' && x != '\r';
  default:
    return x == 0xfffd;
  }
}

bool is_punctuation(int32_t x) {
  // All of ASCII that is neither letter, digit nor blank counts, also where Unicode calls it a
  // symbol.
  if (x < 0x80)
    return (x >= 33 && x <= 47) || (x >= 58 && x <= 64) || (x >= 91 && x <= 96) ||
           (x >= 123 && x <= 126);
  switch (utf8proc_category(x)) {
  case UTF8PROC_CATEGORY_PC:
  case UTF8PROC_CATEGORY_PD:
  case UTF8PROC_CATEGORY_PS:
  case UTF8PROC_CATEGORY_PE:
  case UTF8PROC_CATEGORY_PI:
  case UTF8PROC_CATEGORY_PF:
  case UTF8PROC_CATEGORY_PO:
    return true;
  default:
    return false;
  }
}

/// The blocks that the reference calls Chinese: ideographs, not kana and not hangul.
bool is_ideograph(int32_t x) {
  return (x >= 0x4e00 && x <= 0x9fff) || (x >= 0x3400 && x <= 0x4dbf) ||
         (x >= 0x20000 && x <= 0x2a6df) || (x >= 0x2a700 && x <= 0x2b73f) ||
         (x >= 0x2b740 && x <= 0x2b81f) || (x >= 0x2b920 && x <= 0x2ceaf) ||
         (x >= 0xf900 && x <= 0xfaff) || (x >= 0x2f800 && x <= 0x2fa1f);
}

} // namespace

bool word_splitter::next() {
  word_.clear();
  characters_ = 0;
  while (part_ < part_count_ || refill()) {
    auto x = parts_[part_];
    auto alone = is_punctuation(x);
    if (alone || x == ' ') {
      // What stands alone ends the word before it and is looked at again.
      if (characters_ > 0)
        return true;
      ++part_;
      if (!alone)
        continue;
      append(x);
      return true;
    }
    append(x);
    ++part_;
  }
  return characters_ > 0;
}

void word_splitter::append(int32_t code_point) {
  if (++characters_ > characters_max)
    return;
  utf8proc_uint8_t bytes[4];
  auto n = utf8proc_encode_char(code_point, bytes);
  for (utf8proc_ssize_t i = 0; i < n; ++i)
    word_ += static_cast<char>(bytes[i]);
}

/// Takes code points off the text until one leaves something; false at the end of the text. Marks
/// are not sorted as a full normalisation does: all marks that sorting moves but very few are
/// nonspacing and thrown away, and no vocabulary here has words with the others.
bool word_splitter::refill() {
  part_ = part_count_ = 0;
  while (part_count_ == 0 && !rest_.empty()) {
    utf8proc_int32_t x = 0;
    auto n = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(rest_.data()),
                              static_cast<utf8proc_ssize_t>(rest_.size()), &x);
    rest_.remove_prefix(n > 0 ? static_cast<size_t>(n) : 1);
    if (n <= 0 || is_dropped(x))
      continue;
    if (is_blank(x)) {
      parts_[part_count_++] = ' ';
      continue;
    }
    auto alone = is_ideograph(x);
    if (alone)
      parts_[part_count_++] = ' ';
    utf8proc_int32_t decomposed[4];
    int boundary = 0;
    auto count = utf8proc_decompose_char(x, decomposed, 4, UTF8PROC_DECOMPOSE, &boundary);
    for (utf8proc_ssize_t i = 0; i < count && i < 4; ++i)
      if (utf8proc_category(decomposed[i]) != UTF8PROC_CATEGORY_MN)
        parts_[part_count_++] = utf8proc_tolower(decomposed[i]);
    if (alone)
      parts_[part_count_++] = ' ';
  }
  return part_count_ > 0;
}

} // namespace sluice
