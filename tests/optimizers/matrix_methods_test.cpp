// SPDX-License-Identifier: Apache-2.0
// Optimizers that look at whole tensors.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "engine/core/lapack.hpp"
#include "engine/kernels/dense_matrix.hpp"
#include "engine/kernels/reduce.hpp"
#include "tests/optimizers/driven.hpp"

namespace plumbline {
namespace {

// A few dozen roundings of 1.1e-16.
constexpr double kTolerance = 1e-13;

const std::vector<std::string> kMethods = {"adafactor", "lamb", "lars", "muon", "shampoo", "soap"};

class EveryMatrixMethod : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Catalogue, EveryMatrixMethod, testing::ValuesIn(kMethods),
                         [](const auto& tested) { return tested.param; });

TEST_P(EveryMatrixMethod, DoesNotLetOneTensorMoveAnother) {
  const ParameterLayout layout = four_tensors();
  const std::size_t n = layout.size();
  const auto whole = optimizer_for(layout, GetParam());
  const std::vector<double> all = driven(*whole, n, 5).back();
  for (const ParameterTensor& tensor : layout.tensors()) {
    ParameterLayout alone;
    alone.add(tensor.name, tensor.layer, tensor.group, tensor.rows, tensor.cols);
    const auto optimizer = optimizer_for(alone, GetParam());
    const auto part = [&tensor](const std::vector<double>& block) {
      const auto begin = block.begin() + static_cast<std::ptrdiff_t>(tensor.offset);
      return std::vector<double>(begin, begin + static_cast<std::ptrdiff_t>(tensor.size()));
    };
    std::vector<double> w = part(random_block(n, 0));
    for (std::uint32_t t = 1; t <= 5; ++t) {
      optimizer->step(w, part(random_block(n, t)), {.step = t});
    }
    EXPECT_EQ(w, part(all)) << tensor.name;
  }
}

TEST_P(EveryMatrixMethod, MovesEveryTensor) {
  const ParameterLayout layout = four_tensors();
  const auto optimizer = optimizer_for(layout, GetParam());
  const std::vector<double> start = random_block(layout.size(), 0);
  const std::vector<double> end = driven(*optimizer, layout.size(), 2).back();
  for (std::size_t i = 0; i < start.size(); ++i) EXPECT_NE(start[i], end[i]) << i;
}

TEST_P(EveryMatrixMethod, StaysFiniteWhereGradientsAndWeightsAreZero) {
  const ParameterLayout layout = four_tensors();
  const auto optimizer = optimizer_for(layout, GetParam());
  std::vector<double> w(layout.size());
  const std::vector<double> zero(layout.size());
  for (int t = 1; t <= 12; ++t) optimizer->step(w, zero, {.step = t});
  EXPECT_EQ(w, zero);
  optimizer->step(w, random_block(layout.size(), 1), {.step = 13});
  EXPECT_TRUE(all_finite(std::span<const double>(w)));
}

TEST_P(EveryMatrixMethod, CarriesNanOfAGradientIntoItsTensorAndGoesOn) {
  const ParameterLayout layout = four_tensors();
  for (const double wrong :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    for (const std::uint32_t when : {1U, 2U}) {
      const auto optimizer = optimizer_for(layout, GetParam());
      std::vector<double> w = random_block(layout.size(), 0);
      for (std::uint32_t t = 1; t <= 12; ++t) {
        std::vector<double> gradient = random_block(layout.size(), t);
        if (t == when) gradient[20] = wrong;
        optimizer->step(w, gradient, {.step = t});
      }
      EXPECT_FALSE(std::isfinite(w[20])) << when;
      // The others stand in other tensors.
      for (std::size_t i = 0; i < w.size(); ++i) {
        EXPECT_TRUE(std::isfinite(w[i]) || (i >= 18 && i < 30)) << i;
      }
    }
  }
}

TEST_P(EveryMatrixMethod, InFloatStaysNearDouble) {
  const ParameterLayout layout = four_tensors();
  const auto in_double = optimizer_for<double>(layout, GetParam());
  const auto in_float = optimizer_for<float>(layout, GetParam());
  const std::vector<double> expected = driven(*in_double, layout.size(), 5).back();
  const std::vector<double> start = random_block(layout.size(), 0);
  std::vector<float> w(start.begin(), start.end());
  for (std::uint32_t t = 1; t <= 5; ++t) {
    const std::vector<double> g = random_block(layout.size(), t);
    in_float->step(w, std::vector<float>(g.begin(), g.end()), {.step = t});
  }
  // Half an ulp is 6e-8; the steps are 3e-4 and longer.
  for (std::size_t i = 0; i < w.size(); ++i) EXPECT_NEAR(w[i], expected[i], 2e-5) << i;
}

/// The step of one matrix from zero, divided by -lr.
DenseMatrix<double> first_step(const char* name, const SettingsTable& settings, double lr,
                               const DenseMatrix<double>& g) {
  const auto optimizer = optimizer_for(one_tensor(g.rows(), g.cols()), name, settings);
  std::vector<double> w(g.rows() * g.cols());
  optimizer->step(w, g.values(), {});
  DenseMatrix<double> step(g.rows(), g.cols());
  std::ranges::transform(w, step.values().begin(), [lr](double x) { return -x / lr; });
  return step;
}

DenseMatrix<double> random_matrix(std::size_t rows, std::size_t cols, std::uint32_t part) {
  DenseMatrix<double> result(rows, cols);
  std::ranges::copy(random_block(rows * cols, part), result.values().begin());
  return result;
}

/// Rising.
std::vector<double> singular_values(const DenseMatrix<double>& a) {
  const bool wide = a.rows() <= a.cols();
  const DenseMatrix<double> gram =
      wide ? product(as_is(a), transposed(a)) : product(transposed(a), as_is(a));
  std::vector<double> values(gram.rows());
  DenseMatrix<double> vectors(gram.rows(), gram.rows());
  symmetric_eigen(gram.view(), values, vectors.view());
  for (double& value : values) value = std::sqrt(value);
  return values;
}

TEST(Muon, UpdatesHaveSingularValuesNearOne) {
  for (const auto& [rows, cols] : {std::pair<std::size_t, std::size_t>{6, 6}, {4, 9}, {9, 4}}) {
    // Gradients of any length.
    for (const double scale : {1e-3, 1.0, 1e3}) {
      DenseMatrix<double> g = random_matrix(rows, cols, 1);
      for (double& value : g.values()) value *= scale;
      const auto step = first_step("muon", table_of({{"lr", 0.5}}), 0.5, g);
      const double shape = static_cast<double>(rows) / static_cast<double>(cols);
      for (const double value : singular_values(step)) {
        EXPECT_NEAR(value / std::sqrt(std::max(1.0, shape)), 1, 0.35) << rows << ' ' << cols;
      }
    }
  }
}

TEST(Muon, KeepsTheSingularVectors) {
  // Of a diagonal matrix: the step is diagonal, and falls on the quintic's iterates.
  DenseMatrix<double> g(3, 3);
  g.view()(0, 0) = 2;
  g.view()(1, 1) = -1;
  g.view()(2, 2) = 0.5;
  const auto step = first_step("muon", table_of({{"lr", 0.5}, {"newton_schulz_steps", 2}}), 0.5, g);
  // Nesterov's first G is (1 + mu) g, and G / |G| = g / |g|, but for the 1e-7 beside the norm.
  const double length = std::sqrt(4 + 1 + 0.25);
  for (std::size_t i = 0; i < 3; ++i) {
    double s = g.view()(i, i) / length;
    for (int k = 0; k < 2; ++k) {
      s = 3.4445 * s - 4.7750 * std::pow(s, 3) + 2.0315 * std::pow(s, 5);
    }
    for (std::size_t j = 0; j < 3; ++j) {
      EXPECT_NEAR(step.view()(i, j), i == j ? s : 0, 1e-6) << i << ' ' << j;
    }
  }
}

TEST(Muon, IsAdamWOutsideHiddenLayers) {
  const ParameterLayout layout = one_tensor(4, 5, ParameterGroup::output);
  const auto muon = optimizer_for(
      layout, "muon",
      table_of({{"adam_lr", 0.01}, {"beta1", 0.8}, {"beta2", 0.9}, {"epsilon", 1e-3}}));
  const auto adam = optimizer_for(
      layout, "adam", table_of({{"lr", 0.01}, {"beta1", 0.8}, {"beta2", 0.9}, {"epsilon", 1e-3}}));
  EXPECT_EQ(driven(*muon, 20, 5), driven(*adam, 20, 5));
}

TEST(Shampoo, OfOneWeightIsAdagradWithEpsilonInTheRoot) {
  const auto optimizer =
      optimizer_for(one_tensor(1, 1), "shampoo", table_of({{"lr", 1.0}, {"epsilon", 0.25}}));
  std::vector<double> w = {0};
  optimizer->step(w, std::vector<double>{3}, {.step = 1});
  EXPECT_NEAR(w[0], -3 / std::sqrt(9.25), kTolerance);
  optimizer->step(w, std::vector<double>{-4}, {.step = 2});
  EXPECT_NEAR(w[0], -3 / std::sqrt(9.25) + 4 / std::sqrt(25.25), kTolerance);
}

TEST(Shampoo, OfADiagonalMatrixIsDiagonal) {
  // L = R = epsilon + g^2 on the diagonal: two fourth roots make a square root.
  DenseMatrix<double> g(2, 2);
  g.view()(0, 0) = 2;
  g.view()(1, 1) = -0.5;
  const auto step = first_step("shampoo", table_of({{"lr", 1.0}, {"epsilon", 0.25}}), 1, g);
  EXPECT_NEAR(step.view()(0, 0), 2 / std::sqrt(4.25), kTolerance);
  EXPECT_NEAR(step.view()(1, 1), -0.5 / std::sqrt(0.5), kTolerance);
  EXPECT_NEAR(step.view()(0, 1), 0, kTolerance);
}

TEST(Shampoo, WithOneSideLeftOutTakesTheSquareRootOfTheOther) {
  // 1 x 2: L = epsilon + |g|^2 alone.
  DenseMatrix<double> g(1, 2);
  g.view()(0, 0) = 3;
  g.view()(0, 1) = 4;
  const auto step =
      first_step("shampoo", table_of({{"lr", 1.0}, {"epsilon", 11.0}, {"max_dimension", 1}}), 1, g);
  EXPECT_NEAR(step.view()(0, 0), 3.0 / 6, kTolerance);
  EXPECT_NEAR(step.view()(0, 1), 4.0 / 6, kTolerance);
  // Both left out: plain descent.
  const DenseMatrix<double> large = random_matrix(2, 3, 1);
  const auto plain = first_step("shampoo", table_of({{"lr", 1.0}, {"max_dimension", 1}}), 1, large);
  EXPECT_TRUE(std::ranges::equal(plain.values(), large.values()));
}

TEST(Shampoo, GraftsTheLengthOfAnotherRule) {
  const DenseMatrix<double> g = random_matrix(3, 4, 1);
  const auto bare = first_step("shampoo", table_of({{"lr", 1.0}}), 1, g);
  const auto sgd = first_step("shampoo", table_of({{"lr", 1.0}, {"grafting", "sgd"}}), 1, g);
  const auto adagrad =
      first_step("shampoo", table_of({{"lr", 1.0}, {"grafting", "adagrad"}}), 1, g);
  const double length = norm(bare.view());
  EXPECT_NEAR(norm(sgd.view()), norm(g.view()), kTolerance * norm(g.view()));
  // Adagrad's first step is the sign of each component.
  EXPECT_NEAR(norm(adagrad.view()), std::sqrt(12.0), 1e-8);
  for (std::size_t i = 0; i < 12; ++i) {
    EXPECT_NEAR(sgd.values()[i] / norm(sgd.view()), bare.values()[i] / length, kTolerance);
    EXPECT_NEAR(adagrad.values()[i] / norm(adagrad.view()), bare.values()[i] / length, kTolerance);
  }
}

TEST(Shampoo, KeepsItsRootsBetweenUpdates) {
  const auto optimizer = optimizer_for(
      one_tensor(1, 1), "shampoo", table_of({{"lr", 1.0}, {"epsilon", 0.25}, {"update_every", 2}}));
  std::vector<double> w = {0};
  for (int t = 1; t <= 3; ++t) {
    const double before = w[0];
    optimizer->step(w, std::vector<double>{1}, {.step = t});
    EXPECT_NEAR(before - w[0], 1 / std::sqrt(t == 3 ? 3.25 : 1.25), kTolerance) << t;
  }
}

TEST(Soap, TakesNoFirstStepInAMatrix) {
  const auto optimizer = optimizer_for(one_tensor(3, 3), "soap");
  std::vector<double> w(9);
  optimizer->step(w, random_block(9, 1), {.step = 1});
  EXPECT_EQ(w, std::vector<double>(9));
  optimizer->step(w, random_block(9, 2), {.step = 2});
  EXPECT_GT(norm(std::span<const double>(w)), 1e-3);
}

TEST(Soap, OfDiagonalGradientsIsAdamFromTheSecondStep) {
  // The eigenbasis is that of the coordinates, in some order and with some signs.
  const SettingsTable settings = table_of({{"precondition_every", 2}});
  const auto soap = optimizer_for(one_tensor(2, 2), "soap", settings);
  const auto adam =
      optimizer_for(one_tensor(2, 2), "adam",
                    table_of({{"lr", 3e-3}, {"beta1", 0.95}, {"beta2", 0.95}, {"epsilon", 1e-8}}));
  std::vector<double> w(4);
  std::vector<double> expected(4);
  for (int t = 1; t <= 7; ++t) {
    const std::vector<double> gradient = {2.0 + t, 0, 0, -0.5 / t};
    soap->step(w, gradient, {.step = t});
    if (t > 1) adam->step(expected, gradient, {.step = t - 1});
    for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(w[i], expected[i], kTolerance) << t;
  }
}

TEST(Soap, TurnsWithItsCoordinates) {
  // With G -> U G V^T in every step, w -> U w V^T, unlike Adam's.
  const double c = std::cos(0.3);
  const double s = std::sin(0.3);
  DenseMatrix<double> u(2, 2);
  std::ranges::copy(std::vector<double>{c, -s, s, c}, u.values().begin());
  const auto run = [&](const char* name, bool turned) {
    const auto optimizer = optimizer_for(one_tensor(2, 2), name);
    std::vector<double> w(4);
    for (std::uint32_t t = 1; t <= 25; ++t) {
      DenseMatrix<double> g = random_matrix(2, 2, t);
      if (turned) {
        const DenseMatrix<double> left = product(as_is(u), as_is(g));
        g = product(as_is(left), as_is(u));
      }
      optimizer->step(w, g.values(), {.step = t});
    }
    DenseMatrix<double> result(2, 2);
    std::ranges::copy(w, result.values().begin());
    if (turned) {
      const DenseMatrix<double> left = product(transposed(u), as_is(result));
      result = product(as_is(left), transposed(u));
    }
    return result;
  };
  const auto difference = [&](const char* name) {
    const DenseMatrix<double> plain = run(name, false);
    DenseMatrix<double> turned = run(name, true);
    std::ranges::transform(turned.values(), plain.values(), turned.values().begin(),
                           std::minus<>());
    return norm(turned.view()) / norm(plain.view());
  };
  EXPECT_LT(difference("soap"), 1e-9);
  EXPECT_LT(difference("shampoo"), 1e-9);
  EXPECT_GT(difference("adam"), 1e-2);
}

TEST(Lamb, StepsAsLongAsTheTensorTimesLr) {
  const ParameterLayout layout = four_tensors();
  const auto optimizer = optimizer_for(layout, "lamb", table_of({{"lr", 0.01}}));
  const std::vector<double> before = random_block(layout.size(), 0);
  std::vector<double> step = driven(*optimizer, layout.size(), 1).back();
  for (std::size_t i = 0; i < step.size(); ++i) step[i] -= before[i];
  for (const ParameterTensor& tensor : layout.tensors()) {
    const std::span<const double> w(before.data() + tensor.offset, tensor.size());
    const std::span<const double> moved(step.data() + tensor.offset, tensor.size());
    EXPECT_NEAR(norm(moved) / norm(w), 0.01, kTolerance) << tensor.name;
  }
}

TEST(Lars, StepsByTheRatioOfNorms) {
  // w = (3, 4), g = (0, 10): lambda = 0.5 * 5 / (10 + 0.2 * 5).
  const auto optimizer = optimizer_for(
      one_tensor(1, 2), "lars", table_of({{"lr", 1.0}, {"trust", 0.5}, {"weight_decay", 0.2}}));
  std::vector<double> w = {3, 4};
  optimizer->step(w, std::vector<double>{0, 10}, {});
  const double lambda = 2.5 / 11;
  EXPECT_NEAR(w[0], 3 - lambda * 0.6, kTolerance);
  EXPECT_NEAR(w[1], 4 - lambda * 10.8, kTolerance);
}

TEST(Adafactor, TakesRelativeStepsOfItsRate) {
  // A gradient of rank one: R C is G^2 itself, so U is its sign, of RMS 1.
  const std::vector<double> r = {1, -2, 4};
  const std::vector<double> c = {0.5, 3};
  const auto optimizer = optimizer_for(one_tensor(3, 2), "adafactor");
  std::vector<double> w(6, 2.0);
  std::vector<double> g;
  for (const double a : r) {
    for (const double b : c) g.push_back(a * b);
  }
  optimizer->step(w, g, {});
  // RMS(w) = 2 times min(lr, 1) = 0.01.
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_NEAR(w[i], 2 - std::copysign(0.02, g[i]), kTolerance) << i;
  }
}

TEST(Adafactor, KeepsRowsAndColumnsOfAMatrix) {
  // Beside the update of the largest tensor, which is worked out in one block.
  EXPECT_EQ(optimizer_for(one_tensor(5, 7), "adafactor")->state_size(), 35U + 5 + 7);
  EXPECT_EQ(optimizer_for(one_tensor(5, 1), "adafactor")->state_size(), 5U + 5);
}

TEST(Adafactor, ShortensUpdatesToTheThreshold) {
  // A rare gradient after small ones: U is longer than 1. Without relative steps RMS of the step is
  // lr.
  SettingsTable settings = table_of({{"lr", 0.5}, {"clip_threshold", 0.25}});
  settings.set("relative_step", {false, {}});
  const auto optimizer = optimizer_for(one_tensor(1, 4), "adafactor", settings);
  std::vector<double> w(4);
  optimizer->step(w, std::vector<double>{1, -2, 3, -4}, {});
  for (const double value : w) EXPECT_NEAR(std::abs(value), 0.5 * 0.25, kTolerance);
}

}  // namespace
}  // namespace plumbline
