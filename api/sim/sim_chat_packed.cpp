#include "api/sim/sim_chat_reading.hpp"
#include "api/sim/sim_hash.hpp"
#include "api/sim/sim_json.hpp"
#include "runtime/pack_prompt.hpp"

#include <algorithm>

namespace sluice {

using nlohmann::json;

namespace {

/// Of a list of objects.
constexpr uint32_t items_depth = 2;

bool is_text(const json& content) {
  auto is_part = [](const json& x) { return x.is_object() && x.value("text", json{}).is_string(); };
  return content.is_string() ||
         (content.is_array() && std::all_of(content.begin(), content.end(), is_part));
}

/// As a lone chat's text is taken into its hash.
uint64_t hash_of_text(uint64_t hash, const json& content) {
  if (content.is_string())
    return sim_hash(hash, content.get_ref<const std::string&>());
  for (const auto& part : content)
    hash = sim_hash(hash, part["text"].get_ref<const std::string&>());
  return hash;
}

/// Takes the instruction away from the end of a message; false where it is not there.
bool strip_instruction(json& content) {
  if (content.is_array()) {
    auto ours = content.size() > 1 && content.back().is_object() &&
                content.back().value("text", json{}) == pack_instruction;
    if (ours)
      content.erase(content.size() - 1);
    return ours;
  }
  auto text = content.is_string() ? content.get<std::string>() : std::string{};
  if (!text.ends_with(pack_instruction))
    return false;
  text.resize(text.size() - pack_instruction.size());
  content = text;
  return true;
}

bool is_item(const json& x, size_t number) {
  return x.is_object() && x.size() == 2 && x.value("item", json{}) == number &&
         x.value("question", json{}).is_string();
}

} // namespace

std::vector<sim_prompt> read_packed_prompts(const chat_reading& r, uint64_t seed) {
  const auto* found = r.from.find("messages");
  auto texts = found != nullptr && found->size() >= 2 &&
               std::all_of(found->begin(), found->end(),
                           [](const json& x) { return is_text(x.value("content", json{})); });
  if (!texts || r.last_role != "user" || !json_depth_within(r.user_text, items_depth))
    return {};
  auto messages = *found;
  auto items = json::parse(r.user_text, nullptr, false);
  if (!items.is_array() || items.empty() || items.size() > sim_items_max ||
      !strip_instruction(messages[messages.size() - 2]["content"]))
    return {};
  auto hash = seed;
  for (size_t i = 0; i + 1 < messages.size(); ++i)
    hash = hash_of_text(sim_hash(hash, messages[i]["role"].get_ref<const std::string&>()),
                        messages[i]["content"]);
  hash = sim_hash(hash, "user");
  std::vector<sim_prompt> result;
  for (const auto& item : items) {
    if (!is_item(item, result.size() + 1))
      return {};
    const auto& question = item["question"].get_ref<const std::string&>();
    result.push_back({question, sim_hash(hash, question), result.empty() ? r.tokens : 0});
  }
  return result;
}

} // namespace sluice
