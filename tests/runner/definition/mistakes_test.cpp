// SPDX-License-Identifier: Apache-2.0
// Each file of the folder mistakes is a definition with one mistake. Its second line is what `check` says of
// it, and its third how a line would be right:
//
//   # mistakes/NAME.toml:LINE:COLUMN: MESSAGE
//   # In the place of line 29: lr = 0.1
//
// "<byte FF>" stands for a byte that a text cannot hold.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "experiments/runner/plan/plan.hpp"

namespace plumbline {
namespace {

const std::string kAbove = PLUMBLINE_SOURCE_DIR "/tests/runner/definition/";

struct Mistake {
  std::string name;
  std::vector<std::string> lines;
  std::string said;
  std::size_t line = 0;  ///< counted from 1
  std::string right;
};

std::string after(const std::string& text, const std::string& prefix) {
  EXPECT_TRUE(text.starts_with(prefix)) << text;
  return text.substr(std::min(text.size(), prefix.size()));
}

Mistake read_mistake(const std::filesystem::path& path) {
  Mistake mistake;
  mistake.name = path.stem().string();
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) mistake.lines.push_back(line);
  if (mistake.lines.size() < 4) return mistake;
  mistake.said = after(mistake.lines[1], "# ");
  const std::string right = after(mistake.lines[2], "# In the place of line ");
  const std::size_t colon = right.find(':');
  mistake.line = std::stoul(right);
  mistake.right = right.substr(std::min(right.size(), colon + 2));
  return mistake;
}

const std::vector<Mistake>& mistakes() {
  static const std::vector<Mistake> all = [] {
    std::vector<Mistake> read;
    for (const auto& entry : std::filesystem::directory_iterator(kAbove + "mistakes")) {
      if (entry.path().extension() == ".toml") read.push_back(read_mistake(entry.path()));
    }
    std::ranges::sort(read, {}, &Mistake::name);
    return read;
  }();
  return all;
}

std::string text_of(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + '\n';
  constexpr std::string_view kByte = "<byte ";
  for (std::size_t at = text.find(kByte); at != text.npos; at = text.find(kByte)) {
    const auto byte = static_cast<char>(std::stoi(text.substr(at + kByte.size(), 2), nullptr, 16));
    text.replace(at, kByte.size() + 3, 1, byte);
  }
  return text;
}

// All that is said of a definition, a line each, with paths from the folder above.
std::string said_of(const Mistake& mistake, const std::vector<std::string>& lines) {
  std::string said;
  try {
    std::vector<Problem> problems;
    Definition definition = parse_definition(kAbove + "mistakes/" + mistake.name + ".toml",
                                             text_of(lines), {}, problems);
    make_plan(std::move(definition), std::move(problems), {"data"});
  } catch (const DefinitionError& error) {
    said = error.what();
  }
  for (std::size_t at = said.find(kAbove); at != said.npos; at = said.find(kAbove)) {
    said.erase(at, kAbove.size());
  }
  return said;
}

// Where what is said are the TOML reader's own words, those of another version may be others.
std::string without_words_of_another_reader(const std::string& said) {
  static const std::regex its_own("^([^:]*:[0-9]*):.*: (Error while parsing|Encountered) .*");
  const bool is_known = std::string_view(TOML_READER) == "3.3";
  return is_known ? said : std::regex_replace(said, its_own, "$1");
}

TEST(Mistakes, AreEachSaidInOneMessageWithItsPlace) {
  for (const Mistake& mistake : mistakes()) {
    EXPECT_EQ(without_words_of_another_reader(said_of(mistake, mistake.lines)),
              without_words_of_another_reader(mistake.said));
  }
}

TEST(Mistakes, AreTheOnlyOnesOfTheirDefinitions) {
  for (const Mistake& mistake : mistakes()) {
    std::vector<std::string> lines = mistake.lines;
    ASSERT_TRUE(mistake.line > 3 && mistake.line <= lines.size()) << mistake.name;
    ASSERT_NE(lines[mistake.line - 1], mistake.right) << mistake.name;
    lines[mistake.line - 1] = mistake.right;
    EXPECT_EQ(said_of(mistake, lines), "") << mistake.name << " with its line put right";
  }
}

TEST(Mistakes, AreManyAndNoTwoTheSame) {
  constexpr std::size_t kFewest = 150;
  EXPECT_GE(mistakes().size(), kFewest);
  // What two messages may differ in and mean the same: the place and numbers.
  const std::regex place("^[^ ]*: ");
  const std::regex number("[0-9]+");
  std::map<std::string, std::string> found;
  for (const Mistake& mistake : mistakes()) {
    const std::string kind =
        std::regex_replace(std::regex_replace(mistake.said, place, ""), number, "1");
    const auto [same, is_new] = found.emplace(kind, mistake.name);
    EXPECT_TRUE(is_new) << mistake.name << " is the mistake of " << same->second;
  }
}

}  // namespace
}  // namespace plumbline
