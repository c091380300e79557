// SPDX-License-Identifier: Apache-2.0
#include "engine/core/parameters.hpp"

#include <gtest/gtest.h>

namespace plumbline {
namespace {

TEST(ParameterLayout, IsEmptyAtFirst) {
  EXPECT_EQ(ParameterLayout().size(), 0U);
  EXPECT_TRUE(ParameterLayout().tensors().empty());
}

TEST(ParameterLayout, PutsTensorsOneBehindTheOther) {
  ParameterLayout layout;
  EXPECT_EQ(layout.add("layer_1.weight", 1, ParameterGroup::input, 3, 5), 0U);
  EXPECT_EQ(layout.add("layer_1.bias", 1, ParameterGroup::bias, 3, 1), 1U);
  EXPECT_EQ(layout.add("layer_2.weight", 2, ParameterGroup::output, 2, 3), 2U);
  EXPECT_EQ(layout.size(), 24U);
  ASSERT_EQ(layout.tensors().size(), 3U);
  EXPECT_EQ(layout.tensors()[0],
            (ParameterTensor{"layer_1.weight", 1, ParameterGroup::input, 3, 5, 0}));
  EXPECT_EQ(layout.tensors()[1],
            (ParameterTensor{"layer_1.bias", 1, ParameterGroup::bias, 3, 1, 15}));
  EXPECT_EQ(layout.tensors()[2],
            (ParameterTensor{"layer_2.weight", 2, ParameterGroup::output, 2, 3, 18}));
  EXPECT_EQ(layout.tensors()[2].size(), 6U);
}

TEST(ParameterLayout, IsEqualToOneOfTheSameTensors) {
  ParameterLayout one;
  ParameterLayout other;
  one.add("w", 1, ParameterGroup::hidden, 2, 2);
  other.add("w", 1, ParameterGroup::hidden, 2, 2);
  EXPECT_EQ(one, other);
  other.add("b", 1, ParameterGroup::bias, 2, 1);
  EXPECT_NE(one, other);
}

TEST(ParameterGroup, HasTheNamesOfTheRecord) {
  EXPECT_EQ(to_string(ParameterGroup::input), "input");
  EXPECT_EQ(to_string(ParameterGroup::hidden), "hidden");
  EXPECT_EQ(to_string(ParameterGroup::output), "output");
  EXPECT_EQ(to_string(ParameterGroup::bias), "bias");
  EXPECT_EQ(to_string(ParameterGroup::norm), "norm");
}

}  // namespace
}  // namespace plumbline
