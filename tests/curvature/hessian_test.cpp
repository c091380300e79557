// SPDX-License-Identifier: Apache-2.0
// Products with the Hessian against the dense one by differences of gradients, for every activation and
// every loss of the catalogues, in dense and residual nets; closed forms; what has none.
#include "engine/curvature/hessian.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "engine/curvature/hessian_operator.hpp"
#include "tests/activations/cases.hpp"
#include "tests/curvature/curved_net.hpp"
#include "tests/kernels/on_threads.hpp"
#include "tests/losses/loss_cases.hpp"

namespace plumbline {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

// Of the four-point differences: truncation h^4 / 30 = 3e-14 times a fifth derivative of at most some 1e4
// beside entries of order 1, and rounding 1e-16 / h of slopes of order 10.
constexpr double kStep = 1.0 / 1024;
constexpr double kDifferences = 1e-8;
// 5 layers of some 20 roundings, forward and back, and twice as many terms as in a gradient.
constexpr double kRoundings = 1000;
constexpr double kSymmetry = 1e-12;
constexpr std::size_t kMostWeights = 200;

/// The largest difference of two elements, relative to the largest element; NaN where all are zero.
double relative_difference(const std::vector<double>& a, const std::vector<double>& b) {
  double most = 0;
  double size = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = std::abs(a[i] - b[i]);
    if (std::isnan(difference)) return difference;
    most = std::max(most, difference);
    size = std::max(size, std::abs(b[i]));
  }
  return most / size;
}

// The loss has a kink within the steps where two steps of different size do not agree.
std::int64_t seed_off_the_kinks(const CurvedChoice& choice) {
  for (std::int64_t seed = 1; seed <= 60; ++seed) {
    CurvedNet<double> net(choice, seed);
    const std::vector<double> wide = net.hessian_by_differences(2 * kStep);
    const double difference = relative_difference(wide, net.hessian_by_differences(kStep));
    // The wide one has 16 times the truncation.
    if (difference <= 16 * kDifferences) return seed;
  }
  ADD_FAILURE() << "no usable net";
  return 1;
}

struct NamedCurved {
  std::string name;
  CurvedChoice choice;
};

void PrintTo(const NamedCurved& example, std::ostream* stream) { *stream << example.name; }

std::vector<Setting> activation_settings(const ActivationCase& example) {
  std::vector<Setting> settings = {{"activation.name", node(example.name)}};
  for (const auto& [key, value] : example.settings) {
    settings.emplace_back("activation." + key, value);
  }
  return settings;
}

std::vector<Setting> joined(std::vector<Setting> settings, const std::vector<Setting>& more) {
  settings.insert(settings.end(), more.begin(), more.end());
  return settings;
}

std::vector<Setting> mlp() { return {{"depth", node(2)}, {"width", node(4)}}; }
std::vector<Setting> residual(const char* order) {
  return {{"kind", node("residual")},
          {"depth", node(3)},
          {"width", node(4)},
          {"block_order", node(order)}};
}

std::vector<NamedCurved> nets() {
  std::vector<NamedCurved> all;
  for (const ActivationCase& example : activation_cases()) {
    const std::vector<Setting> phi = activation_settings(example);
    all.push_back({"mlp_" + example.label, {joined(mlp(), phi)}});
    all.push_back({"residual_" + example.label, {joined(residual("pre_activation"), phi)}});
    const auto made = example.made();
    if (made->units(1) == made->outputs(1)) {
      all.push_back(
          {"post_activation_" + example.label, {joined(residual("post_activation"), phi)}});
    }
  }
  for (const LossCase& loss : loss_cases()) {
    CurvedChoice choice{mlp(), loss.loss, loss.settings};
    choice.outputs = kClasses;
    all.push_back({"loss_" + loss.name, choice});
    choice.model = joined(residual("pre_activation"), {{"residual_scale", node(0.7)}});
    all.push_back({"residual_loss_" + loss.name, choice});
  }
  const auto rezero = [](double start) {
    return joined(residual("post_activation"),
                  {{"rezero", node(true)}, {"residual_scale", node(start)}});
  };
  all.push_back({"rezero", {rezero(0)}});
  all.push_back({"rezero_off_zero", {rezero(0.6)}});
  all.push_back({"rezero_pre_activation",
                 {joined(residual("pre_activation"),
                         {{"rezero", node(true)}, {"residual_scale", node(-0.4)}})}});
  all.push_back({"no_hidden_layer", {{{"depth", node(0)}}}});
  all.push_back({"deep", {{{"depth", node(6)}, {"width", node(4)}}}});
  all.push_back(
      {"output_activation", {joined(mlp(), {{"output_activation.name", node("sigmoid")}})}});
  all.push_back({"autoencoder",
                 {{{"kind", node("autoencoder")},
                   {"depth", node(3)},
                   {"width", node(5)},
                   {"code", node(2)}}}});
  SettingsTable phi;
  phi.set("name", node("activation"));
  phi.set("activation", node("prelu"));
  SettingsTable block;
  block.set("name", node("residual"));
  block.set("layers", {SettingList{SettingNode{phi, {}}, node("dense")}, {}});
  all.push_back(
      {"layers_that_begin_with_an_activation_and_a_block",
       {{{"width", node(4)},
         {"layers",
          {SettingList{SettingNode{phi, {}}, SettingNode{block, {}}, node("dense")}, {}}}}}});
  return all;
}

class HessianOfNet : public testing::TestWithParam<NamedCurved> {};

INSTANTIATE_TEST_SUITE_P(Every, HessianOfNet, testing::ValuesIn(nets()),
                         [](const auto& param_info) { return param_info.param.name; });

TEST_P(HessianOfNet, AgreesWithFourPointDifferencesOfTheGradient) {
  const CurvedChoice& choice = GetParam().choice;
  CurvedNet<double> net(choice, seed_off_the_kinks(choice));
  ASSERT_LT(net.size(), kMostWeights);
  const std::vector<double> gradient = net.settle();
  EXPECT_EQ(gradient, net.gradient(net.parameters));
  EXPECT_LE(relative_difference(net.exact_hessian(), net.hessian_by_differences(kStep)),
            kDifferences);
}

TEST_P(HessianOfNet, IsSymmetric) {
  CurvedNet<double> net(GetParam().choice, 1);
  net.settle();
  const std::vector<double> u = direction_of(net.size(), 1);
  const std::vector<double> v = direction_of(net.size(), 2);
  const std::vector<double> hu = net.product(u);
  const std::vector<double> hv = net.product(v);
  double magnitude = 0;
  for (std::size_t i = 0; i < u.size(); ++i) magnitude += std::abs(u[i] * hv[i]);
  EXPECT_NEAR(inner(u, hv), inner(v, hu), kSymmetry * magnitude);
  EXPECT_GT(magnitude, 1e-3) << "nothing is compared";
}

TEST_P(HessianOfNet, IsTheSameInFloatUpToRounding) {
  // Where an example is within rounding of a kink the two are on different sides; seed 1 has none.
  CurvedNet<float> net(GetParam().choice, 1);
  CurvedNet<double> exact(GetParam().choice, 1);
  exact.parameters.assign(net.parameters.begin(), net.parameters.end());
  net.settle();
  exact.settle();
  const std::vector<float> product = net.product(direction_of<float>(net.size()));
  const std::vector<double> widened(product.begin(), product.end());
  EXPECT_LE(relative_difference(widened, exact.product(direction_of(net.size()))),
            kRoundings * double{std::numeric_limits<float>::epsilon()});
}

// y = W x + b without hidden layers: L = (1/B) sum_i (1/m) |y_i - t_i|^2, so that the Hessian is (2/m)
// times the mean of (x, 1)(x, 1)^T for each output by itself, whatever W.
TEST(Hessian, OfALinearModelIsTheMomentMatrixOfTheInputs) {
  const CurvedChoice choice{{{"depth", node(0)}}};
  CurvedNet<double> net(choice, 3);
  net.settle();
  const std::vector<double> hessian = net.exact_hessian();
  const std::size_t n = net.size();
  const std::size_t weights = choice.outputs * choice.features;
  const auto coordinate = [&](std::size_t p) {
    return p < weights ? std::pair(p / choice.features, p % choice.features)
                       : std::pair(p - weights, choice.features);
  };
  const auto x = [&](std::size_t i, std::size_t j) {
    return j == choice.features ? 1.0 : net.inputs()(i, j);
  };
  for (std::size_t p = 0; p < n; ++p) {
    for (std::size_t q = 0; q < n; ++q) {
      const auto [output_p, input_p] = coordinate(p);
      const auto [output_q, input_q] = coordinate(q);
      double moment = 0;
      for (std::size_t i = 0; i < choice.batch; ++i) moment += x(i, input_p) * x(i, input_q);
      const double expected = output_p != output_q
                                  ? 0
                                  : 2 * moment / static_cast<double>(choice.batch) /
                                        static_cast<double>(choice.outputs);
      EXPECT_NEAR(hessian[p * n + q], expected, 1e-14) << p << ' ' << q;
    }
  }
}

// y = w2 (w1 x + b1) + b2 of one unit each, one example: with e = y - t and h = w1 x + b1 the second
// derivatives of e^2 in (w1, b1, w2, b2) are 2 (dy dy^T + e d^2 y), d^2 y/dw1 dw2 = x, d^2 y/db1 dw2 = 1.
TEST(Hessian, OfTwoLinearUnitsHasTheTermOfTheResidual) {
  const CurvedChoice choice{{{"kind", node("linear")}, {"depth", node(1)}, {"width", node(1)}},
                            "mean_squared_error",
                            {},
                            1,
                            1,
                            1};
  CurvedNet<double> net(choice, 2);
  net.settle();
  const double x = net.inputs()(0, 0);
  const double t = net.targets(1).values(0, 0);
  const double w1 = net.parameters[0], b1 = net.parameters[1];
  const double w2 = net.parameters[2], b2 = net.parameters[3];
  const double h = w1 * x + b1;
  const double e = w2 * h + b2 - t;
  const double slope[] = {w2 * x, w2, h, 1};
  double second[4][4] = {};
  second[0][2] = second[2][0] = x;
  second[1][2] = second[2][1] = 1;
  const std::vector<double> hessian = net.exact_hessian();
  for (std::size_t p = 0; p < 4; ++p) {
    for (std::size_t q = 0; q < 4; ++q) {
      EXPECT_NEAR(hessian[p * 4 + q], 2 * (slope[p] * slope[q] + e * second[p][q]), 1e-13)
          << p << ' ' << q;
    }
  }
}

TEST(Hessian, IsThatOfTheExamplesGivenLast) {
  CurvedNet<double> net({mlp()}, 1);
  const std::vector<double> v = direction_of(net.size());
  net.settle(2);
  const std::vector<double> of_two = net.product(v);
  net.settle(4);
  const std::vector<double> of_four = net.product(v);
  net.settle(2);
  EXPECT_EQ(net.product(v), of_two);
  EXPECT_EQ(net.product(v), of_two) << "a product has changed the point";
  EXPECT_NE(of_four, of_two);
}

// Large enough for the products and the passes over elements to be shared.
TEST(Hessian, HasTheSameBitsOnTwoThreads) {
  CurvedChoice choice{{{"kind", node("residual")}, {"depth", node(3)}, {"width", node(192)}},
                      "cross_entropy",
                      {},
                      64,
                      10,
                      256};
  CurvedNet<double> net(choice, 1);
  const std::vector<double> v = direction_of(net.size());
  const auto on = [&](int threads) {
    std::vector<double> product;
    OnThreads shared(threads);
    shared.run([&] {
      net.settle();
      product = net.product(v);
    });
    return product;
  };
  const std::vector<double> alone = on(1);
  EXPECT_EQ(on(2), alone);
}

// The same numbers as a double net whose parameters and batch are those of the float net.
TEST(HessianOperator, OfAFloatNetIsThatOfItsNumbersInDouble) {
  for (const char* loss : {"mean_squared_error", "cross_entropy"}) {
    CurvedNet<float> net({residual("pre_activation"), loss}, 1);
    HessianOperator hessian(net.model(), Shape::vector(4), 3, 4,
                            make_plugin(loss_catalogue(), loss));
    ASSERT_EQ(hessian.size(), net.size());
    const std::vector<float> gradient = net.settle();
    hessian.move_to(net.parameters, net.inputs(), net.targets(4));
    const std::vector<double> v = direction_of(net.size());
    std::vector<double> product(net.size());
    hessian.product()(v, product);
    CurvedNet<double> exact({residual("pre_activation"), loss}, 1);
    exact.parameters.assign(net.parameters.begin(), net.parameters.end());
    exact.take_batch(net);
    const std::vector<double> exact_gradient = exact.settle();
    EXPECT_EQ(product, exact.product(v));
    EXPECT_TRUE(std::ranges::equal(hessian.gradient(), exact_gradient));
    EXPECT_NEAR(hessian.loss(), exact.loss(), 1e-14);
    EXPECT_NE(std::vector<double>(gradient.begin(), gradient.end()), exact_gradient);
  }
}

std::string problem_of(const std::vector<Setting>& model) {
  return hessian_problem(curved_model(model), Shape::vector(4), 3);
}

TEST(Hessian, NamesTheFirstLayerThatHasNone) {
  EXPECT_THAT(problem_of(mlp()), IsEmpty());
  EXPECT_THAT(problem_of(residual("pre_activation")), IsEmpty());
  EXPECT_EQ(
      problem_of(joined(mlp(), {{"normalization", node("batch_norm")}})),
      "layer 2 of the mlp model is no dense layer, no activation and no residual block of such "
      "layers");
  EXPECT_THAT(
      problem_of(joined(residual("pre_activation"), {{"normalization", node("layer_norm")}})),
      HasSubstr("layer 2 of the residual model holds a layer that is no dense layer"));
  EXPECT_THAT(problem_of({{"kind", node("highway")}, {"depth", node(2)}, {"width", node(4)}}),
              HasSubstr("layer 2 of the highway model is no dense layer"));
  EXPECT_THAT(problem_of({{"layers", {SettingList{node("dense"), node("dropout")}, {}}}}),
              HasSubstr("'model.layers.2' (dropout) is no dense layer"));
}

TEST(Hessian, IsNotMadeWhereALayerHasNone) {
  const ModelSettings model = curved_model(joined(mlp(), {{"normalization", node("rms_norm")}}));
  EXPECT_THROW(HessianProduct<double>(model, Shape::vector(4), 3, 4,
                                      make_plugin(loss_catalogue(), "cross_entropy")),
               std::invalid_argument);
}

TEST(Hessian, GivesNoProductBeforeItHasAPoint) {
  HessianProduct<double> product(curved_model(mlp()), Shape::vector(4), 3, 4,
                                 make_plugin(loss_catalogue(), "cross_entropy"));
  std::vector<double> v(product.layout().size());
  std::vector<double> result(v.size());
  EXPECT_THROW(product.multiply(v, result), std::logic_error);
}

}  // namespace
}  // namespace plumbline
