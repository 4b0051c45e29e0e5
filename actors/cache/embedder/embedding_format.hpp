#pragma once

#include <caf/expected.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// The request, in OpenAI's form, for the model that its provider calls `upstream_model`. Of each
/// text the first `embedded_bytes_max` bytes, cut between two characters; an empty one becomes a
/// blank, as providers refuse it.
std::string embedding_request(const std::vector<std::string>& texts,
                              std::string_view upstream_model);

/// `count` vectors of a reply, in the order of the texts, each made of length 1. Fails with
/// `upstream_bad_response`, and says what is wrong: another number of vectors, one that is not of
/// `dimensions` numbers, or one without a direction.
caf::expected<std::vector<std::vector<float>>> embeddings_of(const std::string& reply, size_t count,
                                                             size_t dimensions);

} // namespace sluice
