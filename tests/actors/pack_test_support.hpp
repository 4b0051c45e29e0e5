#pragma once

#include "actors/batching/pack_format.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <utility>
#include <vector>

/// Chats that can be packed, and a model that answers packs.
namespace sluice::pack_test {

using nlohmann::json;

/// Long enough to be worth packing.
inline const std::string long_prompt =
    "You answer questions about our products. " + std::string(pack_shared_bytes_min, 'x');

inline json chat_of(const std::string& question, const std::string& system = long_prompt) {
  return {{"model", "m"},
          {"messages",
           {{{"role", "system"}, {"content", system}}, {{"role", "user"}, {"content", question}}}}};
}

/// The call for several chats.
inline json packed(const std::vector<json>& chats) {
  std::vector<std::string> bodies;
  for (auto& x : chats)
    bodies.push_back(x.dump());
  std::vector<const std::string*> pointers;
  for (auto& x : bodies)
    pointers.push_back(&x);
  return json::parse(join_packed(pointers));
}

inline std::string answer_to(const std::string& question) {
  return "Answer to \"" + question + "\"\n\t\\ is: " + question;
}

/// The questions of a call, packed or not.
inline std::vector<std::string> questions_in(const std::string& body) {
  auto call = json::parse(body);
  auto content = call["messages"].back()["content"].get<std::string>();
  if (!call.contains("response_format"))
    return {content};
  std::vector<std::string> result;
  for (auto& x : json::parse(content))
    result.push_back(x["question"]);
  return result;
}

inline json answers_to(const std::vector<std::string>& questions) {
  auto result = json::array();
  for (auto& x : questions)
    result.push_back({{"item", result.size() + 1}, {"answer", answer_to(x)}});
  return result;
}

/// A reply whose content is `text`.
inline json completion(const std::string& text, const token_usage& usage) {
  return {{"id", "chatcmpl-1"},
          {"object", "chat.completion"},
          {"created", 1},
          {"model", "m"},
          {"choices",
           {{{"index", 0},
             {"message", {{"role", "assistant"}, {"content", text}, {"refusal", nullptr}}},
             {"finish_reason", "stop"}}}},
          {"usage",
           {{"prompt_tokens", usage.input_total()},
            {"completion_tokens", usage.output_total()},
            {"total_tokens", usage.input_total() + usage.output_total()}}}};
}

inline std::string content_of(const std::string& body) {
  return json::parse(body)["choices"][0]["message"]["content"];
}

/// Prices differ in every bucket, and parts do not divide evenly.
inline constexpr token_price price{20'000'001, 5'000'000, 0, 1'600'003, 7'000'001};

} // namespace sluice::pack_test
