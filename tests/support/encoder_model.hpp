#pragma once

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace sluice::test {

/// Where scripts/install_model.sh puts the embedding model; SLUICE_MODEL names another place.
inline std::filesystem::path encoder_folder() {
  if (const auto* given = std::getenv("SLUICE_MODEL"))
    return given;
  return std::filesystem::path{SLUICE_SOURCE_DIR} / "build/models/all-minilm-l6-v2";
}

/// The lines of tests/actors/fixtures/`name`.
inline std::vector<nlohmann::json> encoder_fixture(const std::string& name) {
  std::ifstream in(std::filesystem::path{SLUICE_SOURCE_DIR} / "tests/actors/fixtures" / name);
  std::vector<nlohmann::json> result;
  for (std::string line; std::getline(in, line);)
    result.push_back(nlohmann::json::parse(line));
  return result;
}

/// Skips a suite where the model's `file` is not there, and only then.
inline void skip_without_model(const std::string& file) {
  auto path = encoder_folder() / file;
  if (!std::filesystem::exists(path))
    GTEST_SKIP() << "no " << path << "; run scripts/install_model.sh";
}

} // namespace sluice::test
