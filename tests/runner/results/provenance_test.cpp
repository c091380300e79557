// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/results/provenance.hpp"

#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace plumbline {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(Provenance, EveryFieldIsThereOnceInOrder) {
  std::vector<std::string> names;
  for (const auto& [name, value] : gather_provenance("plumbline run x", 2)) names.push_back(name);
  EXPECT_THAT(names, testing::ElementsAre("plumbline_version", "git_commit", "semantics_version",
                                          "compiler", "cxx_flags", "instruction_set", "cpu_model",
                                          "cpu_count", "memory", "kernel", "library_versions",
                                          "host", "threads", "command_line"));
}

TEST(Provenance, WhatTheProgramKnowsIsRepeated) {
  const Provenance provenance = gather_provenance("plumbline run x --threads 2", 2);
  EXPECT_EQ(provenance_value(provenance, "command_line"), "plumbline run x --threads 2");
  EXPECT_EQ(provenance_value(provenance, "threads"), "2");
  EXPECT_EQ(provenance_value(provenance, "no such field"), "");
}

TEST(Provenance, TheFlagsAreThoseThatDecideBits) {
  const std::string flags = provenance_value(gather_provenance("", 1), "cxx_flags");
  EXPECT_THAT(flags, HasSubstr("-ffp-contract=off -fno-math-errno"));
  EXPECT_THAT(flags, Not(HasSubstr("-Wall")));
}

TEST(Provenance, TheMachineAndTheBuildAreDescribed) {
  const Provenance provenance = gather_provenance("", 1);
  for (const char* name : {"plumbline_version", "git_commit", "compiler", "cpu_model", "host"}) {
    EXPECT_THAT(provenance_value(provenance, name), Not(IsEmpty())) << name;
  }
  EXPECT_THAT(provenance_value(provenance, "cpu_count"), ContainsRegex("^[1-9][0-9]*$"));
  EXPECT_THAT(provenance_value(provenance, "memory"), ContainsRegex("^[0-9]+\\.[0-9] GiB$"));
  EXPECT_THAT(provenance_value(provenance, "kernel"), ContainsRegex("^Linux [0-9]"));
  EXPECT_THAT(provenance_value(provenance, "library_versions"),
              ContainsRegex("^HDF5 [0-9]+\\.[0-9]+\\.[0-9]+, .*xtensor [0-9]"));
}

}  // namespace
}  // namespace plumbline
