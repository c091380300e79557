// SPDX-License-Identifier: Apache-2.0
// The passes of every activation over matrices: backward() and tangent() are the derivative of
// forward(), in z and in the activation's own parameters.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/activations/activation.hpp"
#include "engine/core/random.hpp"
#include "tests/activations/cases.hpp"

namespace plumbline {
namespace {

constexpr std::size_t kRows = 3;
constexpr std::size_t kWidth = 11;  // a SIMD batch and a tail, or a tail alone

// As in activation_test.cpp, for a sum of as many terms as there are outputs.
constexpr double kStep = 1e-3;
constexpr double kDifferences = 1e-10;

template <typename T>
std::vector<T> normals(std::size_t n, std::uint32_t part) {
  Random random(7, RandomStream::noise, part);
  std::vector<T> values(n);
  for (T& value : values) value = static_cast<T>(random.normal());
  return values;
}

template <typename T>
double inner(const std::vector<T>& x, const std::vector<T>& y) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += double{x[i]} * double{y[i]};
  return sum;
}

template <typename T>
double inner_of_magnitudes(const std::vector<T>& x, const std::vector<T>& y) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += std::abs(double{x[i]} * double{y[i]});
  return sum;
}

/// An activation at one point: z off its kinks and ties, parameters, a direction of both, and what
/// comes from above.
template <typename T>
struct Point {
  explicit Point(const ActivationCase& example)
      : activation(example.made()),
        units(activation->units(kWidth)),
        outputs(activation->outputs(kWidth)),
        z(kRows * units),
        z_direction(normals<T>(kRows * units, 1)),
        parameters(normals<T>(activation->parameters(kWidth), 2)),
        parameter_direction(normals<T>(parameters.size(), 3)),
        upstream(normals<T>(kRows * outputs, 4)) {
    // Numbers from -2.4 to 2.4 that differ by 0.0409 at least and stay 0.004 off 0, +-1 and +-2.5, in
    // a scattered order.
    for (std::size_t i = 0; i < z.size(); ++i) {
      const double place = static_cast<double>((i * 47) % 118) - 58.6;
      z[i] = static_cast<T>(0.0409 * place);
    }
  }

  std::vector<T> forward(const std::vector<T>& at, const std::vector<T>& own,
                         std::size_t padding = 0) const {
    const PaddedRows<T> input(kRows, units, at, padding);
    PaddedRows<T> a(kRows, outputs, 2 * padding);
    activation->forward(input.view(), own, a.view());
    return a.packed();
  }
  std::vector<T> forward() const { return forward(z, parameters); }

  /// dL/dz with dL/dparameters behind it.
  std::vector<T> backward(std::size_t padding = 0) const {
    const PaddedRows<T> input(kRows, units, z, padding);
    const PaddedRows<T> a(kRows, outputs, forward(), 2 * padding);
    const PaddedRows<T> from_above(kRows, outputs, upstream, padding / 2);
    PaddedRows<T> delta(kRows, units, 3 * padding);
    std::vector<T> gradient(parameters.size(), T(-99));
    activation->backward(input.view(), a.view(), parameters, from_above.view(), delta.view(),
                         gradient);
    std::vector<T> all = delta.packed();
    all.insert(all.end(), gradient.begin(), gradient.end());
    return all;
  }

  std::vector<T> tangent(std::size_t padding = 0) const {
    const PaddedRows<T> input(kRows, units, z, padding);
    const PaddedRows<T> a(kRows, outputs, forward(), 2 * padding);
    const PaddedRows<T> along(kRows, units, z_direction, padding / 2);
    PaddedRows<T> a_direction(kRows, outputs, 3 * padding);
    activation->tangent(input.view(), a.view(), parameters, along.view(), parameter_direction,
                        a_direction.view());
    return a_direction.packed();
  }

  std::shared_ptr<const Activation> activation;
  std::size_t units;
  std::size_t outputs;
  std::vector<T> z;
  std::vector<T> z_direction;
  std::vector<T> parameters;
  std::vector<T> parameter_direction;
  std::vector<T> upstream;
};

class EveryActivation : public testing::TestWithParam<ActivationCase> {};

INSTANTIATE_TEST_SUITE_P(Catalogue, EveryActivation, testing::ValuesIn(activation_cases()),
                         [](const auto& param_info) { return param_info.param.label; });

/// The four-point difference of f at 0.
template <class Function>
auto difference(const Function& f) {
  return (8 * (f(kStep) - f(-kStep)) - (f(2 * kStep) - f(-2 * kStep))) / (12 * kStep);
}

TEST_P(EveryActivation, BackwardIsTheGradientInZAndInItsOwnParameters) {
  const Point<double> point(GetParam());
  const std::vector<double> gradient = point.backward();
  ASSERT_EQ(gradient.size(), point.z.size() + point.parameters.size());
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    const double expected = difference([&](double step) {
      std::vector<double> z = point.z;
      std::vector<double> parameters = point.parameters;
      (i < z.size() ? z[i] : parameters[i - z.size()]) += step;
      return inner(point.upstream, point.forward(z, parameters));
    });
    EXPECT_NEAR(gradient[i], expected, kDifferences) << i;
  }
}

TEST_P(EveryActivation, TangentIsTheDerivativeAlongADirectionOfZAndParameters) {
  const Point<double> point(GetParam());
  const std::vector<double> tangent = point.tangent();
  ASSERT_EQ(tangent.size(), kRows * point.outputs);
  for (std::size_t i = 0; i < tangent.size(); ++i) {
    // A tenth of the direction: z stays off the kinks.
    const double expected = 10 * difference([&](double step) {
                              std::vector<double> z = point.z;
                              std::vector<double> parameters = point.parameters;
                              for (std::size_t k = 0; k < z.size(); ++k)
                                z[k] += 0.1 * step * point.z_direction[k];
                              for (std::size_t k = 0; k < parameters.size(); ++k) {
                                parameters[k] += 0.1 * step * point.parameter_direction[k];
                              }
                              return point.forward(z, parameters)[i];
                            });
    EXPECT_NEAR(tangent[i], expected, kDifferences) << i;
  }
}

template <typename T>
void expect_adjoint(const ActivationCase& example) {
  const Point<T> point(example);
  std::vector<T> direction = point.z_direction;
  direction.insert(direction.end(), point.parameter_direction.begin(),
                   point.parameter_direction.end());
  const std::vector<T> gradient = point.backward();
  const std::vector<T> tangent = point.tangent();
  // Each term has some three roundings in either form, and sums in T over the rows.
  const double rounding =
      8 * double{std::numeric_limits<T>::epsilon()} *
      (inner_of_magnitudes(gradient, direction) + inner_of_magnitudes(point.upstream, tangent));
  EXPECT_NEAR(inner(gradient, direction), inner(point.upstream, tangent), rounding);
  EXPECT_GT(inner_of_magnitudes(point.upstream, tangent), 1) << "nothing is compared";
}

TEST_P(EveryActivation, BackwardIsTheAdjointOfTangent) {
  expect_adjoint<float>(GetParam());
  expect_adjoint<double>(GetParam());
}

template <typename T>
void expect_padding_is_ignored(const ActivationCase& example) {
  const Point<T> point(example);
  for (const std::size_t padding : {2, 5, 16}) {
    EXPECT_EQ(point.forward(point.z, point.parameters, padding), point.forward());
    EXPECT_EQ(point.backward(padding), point.backward());
    EXPECT_EQ(point.tangent(padding), point.tangent());
  }
}

TEST_P(EveryActivation, IgnoresWhatStandsBetweenTheRows) {
  expect_padding_is_ignored<float>(GetParam());
  expect_padding_is_ignored<double>(GetParam());
}

TEST_P(EveryActivation, GivesTheSameInRowsOfOneStrideForUnitsAndOutputs) {
  const Point<double> point(GetParam());
  const std::size_t stride = 64;
  const PaddedRows<double> input(kRows, point.units, point.z, stride - point.units);
  PaddedRows<double> a(kRows, point.outputs, stride - point.outputs);
  point.activation->forward(input.view(), point.parameters, a.view());
  EXPECT_EQ(a.packed(), point.forward());
  const PaddedRows<double> upstream(kRows, point.outputs, point.upstream, stride - point.outputs);
  PaddedRows<double> delta(kRows, point.units, stride - point.units);
  std::vector<double> gradient(point.parameters.size());
  point.activation->backward(input.view(), a.view(), point.parameters, upstream.view(),
                             delta.view(), gradient);
  std::vector<double> all = delta.packed();
  all.insert(all.end(), gradient.begin(), gradient.end());
  EXPECT_EQ(all, point.backward());
}

TEST_P(EveryActivation, MayWriteDeltaOverWhatComesFromAbove) {
  const Point<double> point(GetParam());
  if (point.units != point.outputs) return;
  PaddedRows<double> signal(kRows, point.outputs, point.upstream, 5);
  const PaddedRows<double> z(kRows, point.units, point.z, 5);
  const PaddedRows<double> a(kRows, point.outputs, point.forward(), 5);
  std::vector<double> all(point.parameters.size());
  point.activation->backward(z.view(), a.view(), point.parameters, signal.view(), signal.view(),
                             all);
  const std::vector<double> delta = signal.packed();
  all.insert(all.begin(), delta.begin(), delta.end());
  EXPECT_EQ(all, point.backward());
}

// Output j hangs on the units (j mod width) k to (j mod width) k + k - 1, k = units / width.
template <typename T>
void expect_nan_stays(const ActivationCase& example) {
  Point<T> point(example);
  const std::vector<T> clean = point.forward();
  const std::size_t pieces = point.units / kWidth;
  for (std::size_t bad = 0; bad < kRows * point.units; ++bad) {
    std::vector<T> z = point.z;
    z[bad] = std::numeric_limits<T>::quiet_NaN();
    const std::vector<T> a = point.forward(z, point.parameters);
    for (std::size_t i = 0; i < kRows; ++i) {
      for (std::size_t j = 0; j < point.outputs; ++j) {
        const bool hangs_on_it = i * kWidth + j % kWidth == bad / pieces;
        const std::size_t at = i * point.outputs + j;
        ASSERT_TRUE(hangs_on_it ? std::isnan(a[at]) : a[at] == clean[at])
            << "output " << j << " of row " << i << " for unit " << bad;
      }
    }
  }
}

TEST_P(EveryActivation, KeepsNotANumberInItsPlace) {
  expect_nan_stays<float>(GetParam());
  expect_nan_stays<double>(GetParam());
}

TEST_P(EveryActivation, IsFiniteAtTenThousand) {
  Point<float> point(GetParam());
  for (std::size_t i = 0; i < point.z.size(); ++i) point.z[i] = i % 3 == 0 ? 1e4F : -1e4F;
  for (const std::vector<float>& results : {point.forward(), point.backward(), point.tangent()}) {
    EXPECT_TRUE(std::ranges::all_of(results, [](float x) { return std::isfinite(x); }));
  }
}

TEST_P(EveryActivation, HasAsManyUnitsOutputsAndParametersForEachUnitOfWidth) {
  const auto activation = GetParam().made();
  EXPECT_EQ(activation->units(7), 7 * activation->units(1));
  EXPECT_EQ(activation->outputs(7), 7 * activation->outputs(1));
  if (GetParam().label != "prelu_shared") {
    EXPECT_EQ(activation->parameters(7), 7 * activation->parameters(1));
  }
}

TEST(Prelu, HasOneSlopeAUnitOrOneForAll) {
  const auto one_a_unit = make_plugin(activation_catalogue(), "prelu");
  EXPECT_EQ(one_a_unit->parameters(5), 5U);
  EXPECT_EQ(one_a_unit->initial_parameter(), 0.25);
  const auto shared = make_plugin(activation_catalogue(), "prelu",
                                  {{"shared", node(true)}, {"initial_slope", node(0.1)}});
  EXPECT_EQ(shared->parameters(5), 1U);
  EXPECT_EQ(shared->initial_parameter(), 0.1);
}

TEST(Prelu, IsTheIdentityAboveZeroAndTimesItsSlopeBelow) {
  const auto prelu = make_plugin(activation_catalogue(), "prelu");
  const std::vector<double> slopes = {0.5, 0.25, -2, 0};
  const PaddedRows<double> z(2, 4, {1, -1, 3, -3, -1, 2, -3, 0});
  PaddedRows<double> a(2, 4);
  prelu->forward(z.view(), slopes, a.view());
  EXPECT_EQ(a.packed(), (std::vector<double>{1, -0.25, 3, 0, -0.5, 2, 6, 0}));
  const PaddedRows<double> upstream(2, 4, {1, 10, 100, 1000, 2, 20, 200, 2000});
  PaddedRows<double> delta(2, 4);
  std::vector<double> gradient(4);
  prelu->backward(z.view(), a.view(), slopes, upstream.view(), delta.view(), gradient);
  EXPECT_EQ(delta.packed(), (std::vector<double>{1, 2.5, 100, 0, 1, 20, -400, 0}));
  EXPECT_EQ(gradient, (std::vector<double>{-2, -10, -600, -3000}));
}

TEST(Crelu, HasThePositivePartsAndThenTheNegativeOnes) {
  const auto crelu = make_plugin(activation_catalogue(), "crelu");
  EXPECT_EQ(crelu->outputs(3), 6U);
  EXPECT_EQ(applied<double>(*crelu, {1.5, -2, 0}), (std::vector<double>{1.5, 0, 0, 0, 2, 0}));
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(applied<double>(*crelu, {kInfinity, -kInfinity}),
            (std::vector<double>{kInfinity, 0, 0, kInfinity}));
}

TEST(Maxout, IsTheLargestOfNeighbouringUnitsAndTheFirstOfEqualOnes) {
  const auto maxout = make_plugin(activation_catalogue(), "maxout", {{"pieces", node(3)}});
  EXPECT_EQ(maxout->units(2), 6U);
  const std::vector<double> z = {1, 5, 5, -1, -3, -2};
  EXPECT_EQ(applied<double>(*maxout, z), (std::vector<double>{5, -1}));
  const PaddedRows<double> a(1, 2, {5, -1});
  const PaddedRows<double> upstream(1, 2, {10, 20});
  PaddedRows<double> delta(1, 6);
  const PaddedRows<double> input(1, 6, z);
  maxout->backward(input.view(), a.view(), {}, upstream.view(), delta.view(), {});
  EXPECT_EQ(delta.packed(), (std::vector<double>{0, 10, 0, 20, 0, 0}));
}

}  // namespace
}  // namespace plumbline
