// SPDX-License-Identifier: Apache-2.0
// The derivative of a net's outputs along a direction of its parameters, for each activation of the
// catalogue: against finite differences, and against the backward pass.
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/network/net_and_batch.hpp"

namespace plumbline {
namespace {

// As in gradient_test.cpp: truncation by h^4 / 30 times a fifth derivative, and rounding over h, of
// outputs and slopes of order 1.
constexpr double kStep = 1.0 / 1024;
constexpr double kDifferences = 1e-8;
// 5 layers of some 20 roundings, times what the net amplifies.
constexpr double kRoundings = 1000;

NetChoice net_of(const std::string& activation) {
  return {.sizes = {7, 5, 6, 3, 4, 3}, .activation = activation, .batch = 5};
}

oracle::Row moved(const oracle::Row& parameters, const oracle::Row& direction, double step) {
  oracle::Row result = parameters;
  for (std::size_t i = 0; i < result.size(); ++i) result[i] += step * direction[i];
  return result;
}

/// N(0, 1/10^2): one step moves a pre-activation by some h / 3.
template <typename T>
std::vector<T> direction_for(const NetAndBatch<T>& example) {
  Random random(3, RandomStream::noise, 0);
  std::vector<T> direction(example.parameters.size());
  for (T& value : direction) value = static_cast<T>(0.1 * random.normal());
  return direction;
}

bool stays_on_its_pieces(const NetAndBatch<double>& example) {
  const oracle::NaiveNetwork net = example.naive_network();
  const oracle::Row start = example.naive_parameters();
  const oracle::Row direction = direction_for(example);
  const auto at = [&](double step) {
    return pieces(net, moved(start, direction, step), example.naive_inputs());
  };
  return at(-2 * kStep) == at(0) && at(2 * kStep) == at(0);
}

std::int64_t usable_seed(const NetChoice& net) {
  for (std::int64_t seed = 1; seed <= 100; ++seed) {
    if (stays_on_its_pieces(NetAndBatch<double>(net, seed))) return seed;
  }
  ADD_FAILURE() << "no usable net";
  return 1;
}

class TangentTest : public testing::TestWithParam<std::string> {};

INSTANTIATE_TEST_SUITE_P(Every, TangentTest, testing::ValuesIn(activation_catalogue().names()),
                         [](const auto& param_info) { return param_info.param; });

TEST_P(TangentTest, AgreesWithFourPointDifferencesOfTheOutputs) {
  if (!oracle::has_activation(GetParam())) GTEST_SKIP() << "tests/oracle does not have it yet";
  const NetChoice net = net_of(GetParam());
  NetAndBatch<double> example(net, usable_seed(net));
  const std::vector<double> direction = direction_for(example);
  const auto outputs = [&](double step) {
    const std::vector<double> at = moved(example.parameters, direction, step);
    return flat(example.network.forward(at, example.inputs()));
  };
  oracle::Row differences;
  const oracle::Row far[] = {outputs(-2 * kStep), outputs(2 * kStep)};
  const oracle::Row near[] = {outputs(-kStep), outputs(kStep)};
  for (std::size_t i = 0; i < far[0].size(); ++i) {
    differences.push_back((8 * (near[1][i] - near[0][i]) - (far[1][i] - far[0][i])) / (12 * kStep));
  }
  example.network.forward(example.parameters, example.inputs());
  const oracle::Row tangent =
      flat(example.network.tangent(example.parameters, direction, example.inputs()));
  EXPECT_LE(relative_difference(tangent, differences), kDifferences);
}

// <u, J v> = <J^T u, v>, where backward() gives J^T u divided by the batch.
template <typename T>
void expect_adjoint(const NetChoice& net) {
  NetAndBatch<T> example(net, 1);
  const std::vector<T> direction = direction_for(example);
  example.step();
  const MatrixView<const T> upstream = example.network.output_gradient();
  Random random(4, RandomStream::noise, 0);
  oracle::Row u;
  for (std::size_t i = 0; i < upstream.rows * upstream.cols; ++i) {
    u.push_back(double{static_cast<T>(random.normal())});
  }
  example.network.forward(example.parameters, example.inputs());
  const oracle::Row tangent =
      flat(example.network.tangent(example.parameters, direction, example.inputs()));
  for (std::size_t i = 0; i < u.size(); ++i) {
    example.network.output_gradient()(i / upstream.cols, i % upstream.cols) = static_cast<T>(u[i]);
  }
  example.network.backward(example.parameters, example.inputs(), example.gradient);
  double forwards = 0;
  double backwards = 0;
  double magnitude = 0;
  for (std::size_t i = 0; i < u.size(); ++i) {
    forwards += u[i] * tangent[i];
    magnitude += std::abs(u[i] * tangent[i]);
  }
  for (std::size_t i = 0; i < direction.size(); ++i) {
    const double term =
        static_cast<double>(net.batch) * double{example.gradient[i]} * double{direction[i]};
    backwards += term;
    magnitude += std::abs(term);
  }
  EXPECT_NEAR(forwards, backwards,
              kRoundings * double{std::numeric_limits<T>::epsilon()} * magnitude);
  EXPECT_GT(magnitude, 1e-2) << "nothing is compared";
}

TEST_P(TangentTest, IsTheAdjointOfTheBackwardPass) {
  expect_adjoint<double>(net_of(GetParam()));
  expect_adjoint<float>(net_of(GetParam()));
}

}  // namespace
}  // namespace plumbline
