// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runner/definition_file.hpp"

namespace plumbline {
namespace {

using testing::StartsWith;

TEST(FindDefinition, TakesAPathAsItIs) {
  const DefinitionFile file("");
  EXPECT_EQ(find_definition(file.path().string()), file.path());
}

TEST(FindDefinition, SaysWhatItLookedForWhereThereIsNone) {
  const auto message = [](const std::string& name) -> std::string {
    try {
      find_definition(name);
    } catch (const EnvironmentError& error) {
      return error.what();
    }
    return "nothing was thrown";
  };
  EXPECT_EQ(message("/no/such.toml"), "/no/such.toml: there is no such file");
  EXPECT_EQ(message("such.toml"), "such.toml: there is no such file");
  EXPECT_EQ(message("/tmp/"), "/tmp/: is a folder");
  EXPECT_THAT(message("no_such_definition"),
              StartsWith("'no_such_definition' is neither a file nor a definition that ships"));
}

// A working folder with two definitions in ./experiments, for as long as it lives.
class WorkingFolder {
 public:
  WorkingFolder() : before_(std::filesystem::current_path()) {
    const std::filesystem::path folder = file_.path().parent_path();
    std::filesystem::create_directories(folder / "experiments" / "folder.toml");
    for (const char* name : {"zz_alpha.toml", "aa_beta.toml", "notes.md"}) {
      std::filesystem::copy_file(file_.path(), folder / "experiments" / name);
    }
    std::filesystem::current_path(folder);
  }
  ~WorkingFolder() { std::filesystem::current_path(before_); }

 private:
  DefinitionFile file_{""};
  std::filesystem::path before_;
};

TEST(FindDefinition, KnowsTheDefinitionsOfTheFolderExperimentsByName) {
  const WorkingFolder folder;
  EXPECT_EQ(find_definition("zz_alpha"), "experiments/zz_alpha.toml");
  Lines names;
  for (const auto& path : shipped_definitions()) names.push_back(path.stem().string());
  EXPECT_TRUE(std::ranges::is_sorted(names));
  EXPECT_THAT(names, testing::IsSupersetOf({"aa_beta", "zz_alpha"}));
  EXPECT_THAT(names, testing::Not(testing::Contains("folder")));
  EXPECT_THAT(names, testing::Not(testing::Contains("notes")));
}

}  // namespace
}  // namespace plumbline
