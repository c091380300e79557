// SPDX-License-Identifier: Apache-2.0
// What an optimizer is told of the loss, against finite differences and the definitions.
#include "engine/training/batch_objective.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "tests/plugins.hpp"

namespace plumbline {
namespace {

constexpr std::size_t kExamples = 5;
constexpr std::size_t kFeatures = 3;
constexpr std::size_t kClasses = 4;

// Four-point differences with h = 2^-9: truncation h^4 f^(5) / 30 = 5e-13 f^(5), and some 20 roundings
// of f amplified by 1.5 / h.
constexpr double kStep = 1.0 / 512;
constexpr double kDifferences = 1e-9;
constexpr double kRounding = 1e-13;
constexpr double kStandardErrors = 5;

Dataset random_data() {
  Dataset data;
  data.features = kFeatures;
  data.outputs = kClasses;
  data.train.inputs = Matrix<float>(Matrix<float>::shape_type{kExamples, kFeatures}, 0.0F);
  Random random(3, RandomStream::data, 0);
  for (float& x : data.train.inputs) x = static_cast<float>(random.normal());
  for (std::size_t i = 0; i < kExamples; ++i) {
    data.train.labels.push_back(static_cast<std::int32_t>(random.below(kClasses)));
  }
  return data;
}

/// A net 3-6-4 with this activation, a batch of five examples, and cross entropy.
class BatchObjectiveTest : public testing::TestWithParam<const char*> {
 protected:
  BatchObjectiveTest() {
    batch_.gather(data_.train, kExamples, [](std::size_t row) { return row; });
    network_.initialize(*model_.initializer, 1, parameters_);
    Random random(4, RandomStream::noise, 0);
    for (double& v : direction_) v = random.normal();
  }

  static ModelSettings read_model() {
    return read_with(
        table_of(
            {{"depth", 1}, {"width", 6}, {"activation", GetParam()}, {"precision", "float64"}}),
        [](Settings& settings) { return ModelSettings::read(settings); });
  }

  template <class Function>
  double difference_along(std::size_t parameter, const Function& f) {
    std::vector<double> moved = parameters_;
    const auto at = [&](double steps) {
      moved[parameter] = parameters_[parameter] + steps * kStep;
      return f(moved);
    };
    return (-at(2) + 8 * at(1) - 8 * at(-1) + at(-2)) / (12 * kStep);
  }

  /// dy/dw of one output of one example, in every parameter.
  std::vector<double> jacobian_row(std::size_t example, std::size_t output) {
    std::vector<double> row(parameters_.size());
    for (std::size_t i = 0; i < row.size(); ++i) {
      row[i] = difference_along(i, [&](const std::vector<double>& at) {
        return network_.forward(at, batch_.inputs())(example, output);
      });
    }
    return row;
  }

  /// G v = mean of J^T (diag(p) - p p^T) J v, p the softmax of the outputs.
  std::vector<double> gauss_newton_product(const std::vector<double>& v) {
    std::vector<double> product(v.size());
    for (std::size_t example = 0; example < kExamples; ++example) {
      std::vector<std::vector<double>> rows;
      std::vector<double> along;
      std::vector<double> p;
      double sum = 0;
      for (std::size_t j = 0; j < kClasses; ++j) {
        rows.push_back(jacobian_row(example, j));
        along.push_back(std::inner_product(v.begin(), v.end(), rows.back().begin(), 0.0));
        p.push_back(std::exp(network_.forward(parameters_, batch_.inputs())(example, j)));
        sum += p.back();
      }
      double mean = 0;
      for (std::size_t j = 0; j < kClasses; ++j) mean += p[j] / sum * along[j];
      for (std::size_t j = 0; j < kClasses; ++j) {
        const double weighted = p[j] / sum * (along[j] - mean) / kExamples;
        for (std::size_t i = 0; i < v.size(); ++i) product[i] += weighted * rows[j][i];
      }
    }
    return product;
  }

  Dataset data_ = random_data();
  ModelSettings model_ = read_model();
  Network<double> network_{model_, kFeatures, kClasses, kExamples};
  std::shared_ptr<const Loss> loss_ = made(loss_catalogue(), "cross_entropy");
  GatheredBatch<double> batch_{data_, kExamples};
  BatchObjective<double> objective_{network_, *loss_, batch_, 7};
  std::vector<double> parameters_ = std::vector<double>(network_.layout().size());
  std::vector<double> direction_ = std::vector<double>(network_.layout().size());
};

// One smooth activation, one with parameters of its own, one with fewer and one with more outputs.
INSTANTIATE_TEST_SUITE_P(For, BatchObjectiveTest,
                         testing::Values("tanh", "prelu", "maxout", "crelu"),
                         [](const auto& param_info) { return std::string(param_info.param); });

TEST_P(BatchObjectiveTest, GradientIsThatOfTheMeanLoss) {
  std::vector<double> gradient(parameters_.size());
  EXPECT_EQ(objective_.gradient(parameters_, gradient), objective_.loss(parameters_));
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    const double expected =
        difference_along(i, [this](const std::vector<double>& at) { return objective_.loss(at); });
    EXPECT_NEAR(gradient[i], expected, kDifferences) << i;
  }
}

TEST_P(BatchObjectiveTest, GaussNewtonProductIsItsDefinition) {
  const std::vector<double> expected = gauss_newton_product(direction_);
  std::vector<double> product(parameters_.size());
  objective_.gauss_newton_product(parameters_, direction_, product);
  double largest = 0;
  for (std::size_t i = 0; i < product.size(); ++i) {
    EXPECT_NEAR(product[i], expected[i], 10 * kDifferences) << i;
    largest = std::max(largest, std::abs(expected[i]));
  }
  EXPECT_GT(largest, 1e5 * kDifferences);
}

TEST_P(BatchObjectiveTest, SampledGradientsHaveTheGaussNewtonMatrixAsTheirCovariance) {
  // With targets from the softmax itself the gradient of an example has mean zero and covariance
  // J^T H J, so that of the mean over B examples has G / B.
  constexpr std::uint32_t kDraws = 4000;
  const double variance = std::inner_product(direction_.begin(), direction_.end(),
                                             gauss_newton_product(direction_).begin(), 0.0) /
                          kExamples;
  std::vector<double> gradient(parameters_.size());
  double sum = 0;
  double squares = 0;
  double fourths = 0;
  for (std::uint32_t draw = 1; draw <= kDraws; ++draw) {
    objective_.sampled_gradient(parameters_, draw, gradient);
    const double along =
        std::inner_product(direction_.begin(), direction_.end(), gradient.begin(), 0.0);
    sum += along / kDraws;
    squares += along * along / kDraws;
    fourths += std::pow(along, 4) / kDraws;
  }
  EXPECT_NEAR(sum, 0, kStandardErrors * std::sqrt(variance / kDraws));
  EXPECT_NEAR(squares, variance,
              kStandardErrors * std::sqrt((fourths - squares * squares) / kDraws));
}

TEST_P(BatchObjectiveTest, LayerPassesMakeTheSampledGradient) {
  std::vector<double> gradient(parameters_.size());
  objective_.sampled_gradient(parameters_, 1, gradient);
  const std::vector<ParameterTensor>& tensors = network_.layout().tensors();
  for (std::size_t index = 0; index < tensors.size(); ++index) {
    const ParameterTensor& tensor = tensors[index];
    if (!tensor.is_weight_matrix()) continue;
    const auto pass = objective_.layer_pass(index);
    ASSERT_EQ(pass.inputs.rows, kExamples);
    ASSERT_EQ(pass.inputs.cols, tensor.cols);
    ASSERT_EQ(pass.error_signals.cols, tensor.rows);
    for (std::size_t i = 0; i < tensor.rows; ++i) {
      for (std::size_t j = 0; j < tensor.cols; ++j) {
        double mean = 0;
        for (std::size_t e = 0; e < kExamples; ++e) {
          mean += pass.error_signals(e, i) * pass.inputs(e, j) / kExamples;
        }
        EXPECT_NEAR(gradient[tensor.offset + i * tensor.cols + j], mean, kRounding);
      }
    }
  }
}

TEST_P(BatchObjectiveTest, DrawsTheSameTargetsAgainForTheSameNumber) {
  std::vector<double> first(parameters_.size());
  std::vector<double> again(parameters_.size());
  std::vector<double> other(parameters_.size());
  objective_.sampled_gradient(parameters_, 1, first);
  objective_.sampled_gradient(parameters_, 2, other);
  objective_.sampled_gradient(parameters_, 1, again);
  EXPECT_EQ(first, again);
  EXPECT_NE(first, other);
}

}  // namespace
}  // namespace plumbline
