// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "experiments/runner/commands/inspection_commands.hpp"

namespace plumbline {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Printed {
  int status = 0;
  std::string out;
  std::string err;
};

Printed printed(const GradientCheck& check, bool json = false) {
  std::ostringstream out;
  std::ostringstream err;
  const int status = print_gradient_check(check, "d, run 1 of 1 (0)", json, out, err);
  return {status, out.str(), err.str()};
}

// f(w) = sum w_i^2 over two tensors of two parameters, the first of which has a fault in its gradient.
GradientCheck checked(double fault) {
  ParameterLayout layout;
  layout.add("layer_1.weight", 1, ParameterGroup::input, 1, 2);
  layout.add("layer_1.bias", 1, ParameterGroup::bias, 2, 1);
  const std::vector<double> w = {1, -2, 0.5, 3};
  const auto squares = [](std::span<const double> at) {
    double sum = 0;
    for (const double value : at) sum += value * value;
    return sum;
  };
  return check_gradient(squares, layout, w, std::vector<double>{2 + fault, -4, 1, 6}, {});
}

TEST(PrintGradientCheck, IsStatus0WhereTheGradientIsRight) {
  const Printed right = printed(checked(0));
  EXPECT_EQ(right.status, 0);
  EXPECT_THAT(right.out, HasSubstr("agrees"));
  EXPECT_THAT(right.out, Not(HasSubstr("differs")));
  EXPECT_THAT(right.out, Not(HasSubstr("wrong")));
}

TEST(PrintGradientCheck, IsStatus1WithTheTensorWhereItIsWrong) {
  const Printed wrong = printed(checked(1e-4));
  EXPECT_EQ(wrong.status, 1);
  EXPECT_THAT(wrong.out, testing::ContainsRegex("1  weight .* differs"));
  EXPECT_THAT(wrong.out, testing::ContainsRegex("1  bias .* agrees"));
  EXPECT_THAT(wrong.out, HasSubstr("The gradient is wrong.\n"));
}

TEST(PrintGradientCheck, SaysTheSameInJson) {
  const Printed wrong = printed(checked(1e-4), true);
  EXPECT_EQ(wrong.status, 1);
  const nlohmann::json json = nlohmann::json::parse(wrong.out);
  EXPECT_EQ(json.at("holds"), false);
  EXPECT_EQ(json.at("tensors").at(0).at("verdict"), "differs");
  EXPECT_EQ(json.at("tensors").at(1).at("verdict"), "agrees");
  // Relative to the largest gradient, 4.
  EXPECT_NEAR(json.at("tensors").at(0).at("largest_difference").get<double>(), 1e-4 / 4, 1e-9);
}

TEST(PrintGradientCheck, SaysThatALossIsNotFinite) {
  GradientCheck check;
  check.loss = std::numeric_limits<double>::infinity();
  const Printed nothing = printed(check);
  EXPECT_EQ(nothing.status, 1);
  EXPECT_EQ(nothing.out, "");
  EXPECT_THAT(nothing.err, HasSubstr("the loss of the first batch is inf"));
}

}  // namespace
}  // namespace plumbline
