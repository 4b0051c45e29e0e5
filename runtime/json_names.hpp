#pragma once

/// The names of simdjson that headers need. Its own header is one of the slowest to compile here,
/// so only sources include it.
namespace simdjson::dom {
class parser;
class element;
class object;
} // namespace simdjson::dom
