#pragma once

#include "runtime/configuration_file.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>

namespace sluice::test {

/// Loads configurations from a folder of its own, in an environment of its own.
class configuration_test : public ::testing::Test {
protected:
  configuration_test() {
    auto pattern = (std::filesystem::temp_directory_path() / "sluice-test-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~configuration_test() override { std::filesystem::remove_all(folder_); }

  environment env() const {
    return [this](const std::string& name) -> std::optional<std::string> {
      auto i = variables.find(name);
      return i == variables.end() ? std::nullopt : std::optional{i->second};
    };
  }

  /// Writes `text` to a file and returns its path.
  std::string write(const std::string& text, const std::string& name = "sluice.yaml") const {
    auto file = folder_ / name;
    std::ofstream{file} << text;
    return file.string();
  }

  loaded load(const std::string& text) const { return load_configuration(write(text), env()); }

  std::map<std::string, std::string> variables;
  std::string path;

private:
  std::filesystem::path folder_;
};

} // namespace sluice::test
