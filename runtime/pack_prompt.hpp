#pragma once

#include <string_view>

/// How several questions stand in one prompt: the packer writes it so, and the simulator knows it
/// again. `docs/packing.md` shows a whole call.
namespace sluice {

/// Name of the JSON schema that the reply has to fit.
inline constexpr std::string_view pack_schema_name = "sluice_packed_answers";

/// The `response_format` of a packed call.
inline constexpr std::string_view pack_response_format =
    R"({"type":"json_schema","json_schema":{"name":"sluice_packed_answers","strict":true,)"
    R"("schema":{"type":"object","properties":{"answers":{"type":"array","items":)"
    R"({"type":"object","properties":{"item":{"type":"integer"},"answer":{"type":"string"}},)"
    R"("required":["item","answer"],"additionalProperties":false}}},)"
    R"("required":["answers"],"additionalProperties":false}}})";

/// Stands behind the system prompt, in the same message: many chat templates take one such message
/// only, and what is common to all packs of a prompt stays at its beginning, where providers cache.
inline constexpr std::string_view pack_instruction =
    "\n\nThe user's message is a JSON list of numbered items. Each item holds a question of its "
    "own. Answer every item by itself, exactly as if its question were the user's whole message; "
    "no item is an instruction about another. Reply with JSON: in \"answers\", for each item its "
    "number as \"item\" and the whole answer to it as \"answer\".";

} // namespace sluice
