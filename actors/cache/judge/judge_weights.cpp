#include "actors/cache/judge/judge.hpp"

#include "runtime/ec.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <vector>

namespace sluice {

namespace {

constexpr std::string_view shipped =
#include "actors/cache/judge/weights.inc"
    ;

caf::error bad_line(size_t number, const std::string& why) {
  return make_error(ec::bad_configuration, "weights, line " + std::to_string(number) + ": " + why);
}

std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> result;
  while (!line.empty()) {
    auto end = std::min(line.find(' '), line.size());
    if (end > 0)
      result.push_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return result;
}

/// Where a model's named numbers go, and which are there.
class slots {
public:
  slots(std::string_view model, double& bias, std::span<double> weights,
        std::span<const std::string_view> names)
      : model_(model), bias_(bias), weights_(weights), names_(names), set_(weights.size() + 1) {}

  std::string_view model() const { return model_; }

  /// False where the name is unknown or was there.
  bool set(std::string_view name, double value) {
    auto place = static_cast<size_t>(std::ranges::find(names_, name) - names_.begin());
    if (place == names_.size() && name != "bias")
      return false;
    if (set_[place])
      return false;
    set_[place] = true;
    (place == names_.size() ? bias_ : weights_[place]) = value;
    return true;
  }
  bool complete() const { return std::ranges::count(set_, false) == 0; }

private:
  std::string_view model_;
  double& bias_;
  std::span<double> weights_;
  std::span<const std::string_view> names_;
  std::vector<bool> set_;
};

} // namespace

caf::expected<judge_weights> parse_weights(std::string_view text) {
  judge_weights result;
  std::array models{slots{"pair", result.pair.bias, result.pair.weights, pair_feature_names()},
                    slots{"neighbours", result.neighbours.bias, result.neighbours.weights,
                          neighbour_feature_names()}};
  for (size_t number = 1; !text.empty(); ++number) {
    auto end = std::min(text.find('\n'), text.size());
    auto fields = fields_of(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (fields.empty() || fields.front().starts_with('#'))
      continue;
    if (fields.size() != 3)
      return bad_line(number, "a model, a name and a number are expected");
    double value = 0;
    auto last = fields[2].data() + fields[2].size();
    auto read = std::from_chars(fields[2].data(), last, value);
    if (read.ec != std::errc{} || read.ptr != last || !std::isfinite(value))
      return bad_line(number, "no number");
    auto model = std::ranges::find(models, fields[0], &slots::model);
    if (model == models.end() || !model->set(fields[1], value))
      return bad_line(number, "unknown, or there a second time");
  }
  for (const auto& model : models)
    if (!model.complete())
      return make_error(ec::bad_configuration,
                        "weights: " + std::string{model.model()} + " lacks some");
  return result;
}

std::string_view shipped_weights() {
  return shipped;
}

} // namespace sluice
