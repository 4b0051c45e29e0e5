#include "actors/cache/encoder/sentence_encoder.hpp"

#include "actors/cache/encoder/int8_linear.hpp"
#include "actors/cache/encoder/minilm_weights.hpp"
#include "actors/cache/encoder/row_buckets.hpp"
#include "actors/cache/encoder/row_math.hpp"
#include "actors/cache/encoder/wordpiece.hpp"
#include "runtime/ec.hpp"

#include <algorithm>
#include <optional>

// oneDNN computes with as many OpenMP threads as the calling thread asks for, and OpenMP's number
// is the thread's own. Declared here because clang brings OpenMP's header in a package of its own
// (OpenMP API 5.0, section 3.2.1).
extern "C" void omp_set_num_threads(int count);

namespace sluice {

static_assert(sentence_encoder::width == minilm::width);
static_assert(sentence_encoder::tokens_max <= row_buckets::rows_max);
static_assert(sentence_encoder::tokens_max <= minilm::positions);

namespace {

/// Rows that products and attention read and write beyond the last token.
constexpr size_t rows_room = 2 * row_buckets::rows_max;

/// Clears the rows of `states` that a product of `rows` rows works on besides. Left as they are
/// they could grow from call to call until they are infinite, and zero times that is not zero.
void zero_padding(std::vector<float>& states, size_t rows) {
  std::fill(states.data() + rows * minilm::width,
            states.data() + row_buckets::round_up(rows) * minilm::width, 0.0f);
}

encoder_precision usable(encoder_precision wanted, const dnnl::engine& engine) {
  if (wanted == encoder_precision::fp32)
    return wanted;
  int8_linear_kernels sample(engine, {minilm::wide, minilm::width, epilogue::add});
  return sample.exact() ? encoder_precision::int8 : encoder_precision::fp32;
}

caf::error no_length() {
  return make_error(ec::internal, "the encoder's weights give a vector without a length");
}

/// `states` are the rows of the text's tokens. The length of a mean of zeros stays zero.
std::vector<encoded_word> mean_states(std::vector<wordpiece::spelled_word> words,
                                      const float* states) {
  std::vector<encoded_word> result;
  result.reserve(words.size());
  for (auto& word : words) {
    encoded_word x{std::move(word.text), word.count, std::vector<float>(minilm::width)};
    for (size_t i = word.first; i < word.first + word.count; ++i)
      add_row({states + i * minilm::width, minilm::width}, x.state);
    normalise_length(x.state);
    result.push_back(std::move(x));
  }
  return result;
}

} // namespace

struct sentence_encoder::workspace::memory {
  std::optional<onednn_run> run;
  // Rows of a group's tokens, and zeros or what an earlier group left.
  std::vector<float> states = std::vector<float>(rows_room * minilm::width);
  std::vector<float> qkv = std::vector<float>(rows_room * 3 * minilm::width);
  std::vector<float> mixed = std::vector<float>(rows_room * minilm::width);
  std::vector<float> wide = std::vector<float>(row_buckets::rows_max * minilm::wide);
  std::vector<float> scores;
};

sentence_encoder::workspace::workspace() : memory_(std::make_unique<memory>()) {}
sentence_encoder::workspace::~workspace() = default;
sentence_encoder::workspace::workspace(workspace&&) noexcept = default;
sentence_encoder::workspace& sentence_encoder::workspace::operator=(workspace&&) noexcept = default;

struct sentence_encoder::model {
  using memory = workspace::memory;

  model(wordpiece x, encoder_precision wanted)
      : pieces(std::move(x)), precision(usable(wanted, engine)), kernels(engine, precision) {}

  caf::error read(const std::filesystem::path& weights_file);
  void embed(std::span<const std::vector<int32_t>> texts, memory& space) const;
  void apply_layer(const minilm_layer& layer, std::span<const std::vector<int32_t>> texts,
                   size_t rows, memory& space) const;
  bool encode_group(std::span<const std::vector<int32_t>> texts, memory& space,
                    embedding_matrix& out) const;
  template <class Group> // called with the tokens of a group of texts; false stops
  bool each_group(std::span<const std::string_view> texts, Group&& group) const;

  wordpiece pieces;
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  encoder_precision precision;
  minilm_kernels kernels;
  std::optional<minilm_weights> weights;
};

caf::error sentence_encoder::model::read(const std::filesystem::path& weights_file) {
  auto file = safetensors::open(weights_file);
  if (!file)
    return file.error();
  auto read = minilm_weights::load(*file, pieces.size(), kernels);
  if (!read)
    return read.error();
  weights.emplace(std::move(*read));
  return caf::none;
}

void sentence_encoder::model::embed(std::span<const std::vector<int32_t>> texts,
                                    memory& space) const {
  auto* row = space.states.data();
  for (const auto& text : texts)
    for (size_t i = 0; i < text.size(); ++i, row += minilm::width) {
      std::span<float> state{row, minilm::width};
      weights->embed(static_cast<size_t>(text[i]), i, state);
      normalise_layer(state, weights->embed_norm.weight, weights->embed_norm.bias);
    }
  zero_padding(space.states, static_cast<size_t>(row - space.states.data()) / minilm::width);
}

void sentence_encoder::model::apply_layer(const minilm_layer& layer,
                                          std::span<const std::vector<int32_t>> texts, size_t rows,
                                          memory& space) const {
  auto normalise = [&](const norm_weights& x) {
    for (size_t i = 0; i < rows; ++i)
      normalise_layer({&space.states[i * minilm::width], minilm::width}, x.weight, x.bias);
  };
  layer.qkv->apply(space.states.data(), rows, space.qkv.data(), *space.run);
  // In this order: what attention writes beyond a text's last row, the next text's overwrites.
  size_t first = 0;
  for (const auto& text : texts) {
    kernels.mind.apply(&space.qkv[first * 3 * minilm::width], text.size(),
                       &space.mixed[first * minilm::width], space.scores, *space.run);
    first += text.size();
  }
  zero_padding(space.mixed, rows);
  layer.project->apply(space.mixed.data(), rows, space.states.data(), *space.run);
  normalise(layer.project_norm);
  layer.widen->apply(space.states.data(), rows, space.wide.data(), *space.run);
  layer.narrow->apply(space.wide.data(), rows, space.states.data(), *space.run);
  normalise(layer.narrow_norm);
}

/// Appends the vectors of `texts`, which have at most `row_buckets::rows_max` tokens together;
/// false where one has no finite length.
bool sentence_encoder::model::encode_group(std::span<const std::vector<int32_t>> texts,
                                           memory& space, embedding_matrix& out) const {
  size_t rows = 0;
  for (const auto& text : texts)
    rows += text.size();
  embed(texts, space);
  for (const auto& layer : weights->layers)
    apply_layer(layer, texts, rows, space);
  const auto* row = space.states.data();
  for (const auto& text : texts) {
    out.values.resize(out.values.size() + minilm::width);
    std::span<float> sum{out.values.end() - minilm::width, out.values.end()};
    for (size_t i = 0; i < text.size(); ++i, row += minilm::width)
      add_row({row, minilm::width}, sum);
    // The mean over the tokens and their sum point the same way.
    if (!normalise_length(sum))
      return false;
  }
  return true;
}

/// As many texts at once as one product's rows take.
template <class Group>
bool sentence_encoder::model::each_group(std::span<const std::string_view> texts,
                                         Group&& group) const {
  std::vector<std::vector<int32_t>> tokens;
  size_t rows = 0;
  for (auto text : texts) {
    auto next = pieces.encode(text, tokens_max);
    if (rows + next.size() > row_buckets::rows_max) {
      if (!tokens.empty() && !group(tokens))
        return false;
      tokens.clear();
      rows = 0;
    }
    rows += next.size();
    tokens.push_back(std::move(next));
  }
  return tokens.empty() || group(tokens);
}

sentence_encoder::sentence_encoder(std::unique_ptr<const model> x) : model_(std::move(x)) {}
sentence_encoder::~sentence_encoder() = default;

caf::expected<std::unique_ptr<sentence_encoder>>
sentence_encoder::load(const std::filesystem::path& folder, encoder_precision wanted) {
  auto pieces = wordpiece::load(folder / "vocab.txt");
  if (!pieces)
    return pieces.error();
  try {
    omp_set_num_threads(1);
    auto loaded = std::make_unique<model>(std::move(*pieces), wanted);
    if (auto failure = loaded->read(folder / "model.safetensors"))
      return failure;
    return std::unique_ptr<sentence_encoder>(new sentence_encoder(std::move(loaded)));
  } catch (const std::exception& e) {
    return make_error(ec::internal, std::string{"oneDNN: "} + e.what());
  }
}

caf::expected<embedding_matrix> sentence_encoder::encode(std::span<const std::string_view> texts,
                                                         workspace& space) const {
  auto& memory = *space.memory_;
  try {
    omp_set_num_threads(1);
    memory.run.emplace(model_->engine);
    embedding_matrix result{width, {}};
    result.values.reserve(texts.size() * width);
    auto finite = model_->each_group(
        texts, [&](const auto& group) { return model_->encode_group(group, memory, result); });
    if (!finite)
      return no_length();
    return result;
  } catch (const std::exception& e) {
    return make_error(ec::internal, std::string{"oneDNN: "} + e.what());
  }
}

caf::expected<std::vector<encoded_text>>
sentence_encoder::encode_words(std::span<const std::string_view> texts, workspace& space) const {
  auto& memory = *space.memory_;
  try {
    omp_set_num_threads(1);
    memory.run.emplace(model_->engine);
    std::vector<encoded_text> result;
    result.reserve(texts.size());
    auto finite = model_->each_group(texts, [&](const auto& group) {
      embedding_matrix vectors{width, {}};
      if (!model_->encode_group(group, memory, vectors))
        return false;
      const auto* states = memory.states.data();
      for (size_t i = 0; i < group.size(); ++i) {
        auto vector = vectors.row(i);
        std::vector<wordpiece::spelled_word> words;
        model_->pieces.encode(texts[result.size()], tokens_max, words);
        result.push_back({{vector.begin(), vector.end()}, mean_states(std::move(words), states)});
        states += group[i].size() * minilm::width;
      }
      return true;
    });
    if (!finite)
      return no_length();
    return result;
  } catch (const std::exception& e) {
    return make_error(ec::internal, std::string{"oneDNN: "} + e.what());
  }
}

encoder_precision sentence_encoder::precision() const {
  return model_->precision;
}

size_t sentence_encoder::token_count(std::string_view text) const {
  return model_->pieces.encode(text, tokens_max).size();
}

} // namespace sluice
