// SPDX-License-Identifier: Apache-2.0
// Whole training runs against independent calculations: the closed form of a linear model, and the
// naive oracle with its own update rules.
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <string>
#include <vector>

#include "engine/training/batches.hpp"
#include "tests/oracle/naive_network.hpp"
#include "tests/training/training_run.hpp"

namespace plumbline {
namespace {

using oracle::Row;
using oracle::Rows;

// 40 contracting updates, each of some 20 roundings of 2^-53, on numbers of order 1.
constexpr double kClosedForm = 1e-12;

// Adam divides by sqrt(v) + 1e-8, which turns the 1e-16 of a rounding in g into up to 1e-8 of an
// update's size, that is 1e-10 of a weight; most gradients here are of order 0.01. Without the bias
// corrections, or with a step count of its own for each tensor, the losses differ by 1e-3.
constexpr double kTrajectory = 1e-9;

Rows rows_of(const Matrix<float>& matrix) {
  Rows rows;
  for (std::size_t i = 0; i < matrix.shape()[0]; ++i) {
    const float* row = matrix.data() + i * matrix.shape()[1];
    rows.emplace_back(row, row + matrix.shape()[1]);
  }
  return rows;
}

std::vector<Setting> regression_run(int examples) {
  return {{"data.name", node("teacher_student")},
          {"data.train", node(examples)},
          {"data.valid", node(9)},
          {"data.features", node(3)},
          {"data.outputs", node(2)},
          {"model.width", node(5)},
          {"model.precision", node("float64")},
          {"loss.name", node("mean_squared_error")},
          {"train.steps", node(40)},
          {"train.seed", node(4)},
          {"train.evaluate.every", node(1)},
          {"probes.error_signal.every", node(1)},
          {"probes.gradient_norm.every", node(1)}};
}

// Where the run starts: drawing initial parameters is tested elsewhere.
Row start_of(const RunConfiguration& run, const Dataset& data) {
  Network<double> network(run.model, data.features, data.outputs, 1);
  Row parameters(network.layout().size());
  network.initialize(*run.model.initializer, run.seed, parameters);
  return parameters;
}

// Full-batch descent of a linear model on L = (1/m) mean |T [x; 1] - t|^2, T = [W b], is a matrix
// recursion in the second moments of the data alone:
//   C = mean [x; 1][x; 1]^T,  D = mean t [x; 1]^T,  G = (2/m) (T C - D),  T <- T - lr_t G,
//   L = (1/m) (tr T C T^T - 2 tr T D^T + mean |t|^2).
void expect_closed_form(const std::vector<Setting>& schedule,
                        const std::vector<double>& learning_rates) {
  const RunConfiguration run =
      configured(with(with(regression_run(17), {{"model.depth", node(0)},
                                                {"train.batch", node(17)},
                                                {"optimizer.name", node("sgd")},
                                                {"optimizer.lr", node(0.3)}}),
                      schedule));
  const Dataset data = run.data->load({});
  const RunRecord record = trained(run, data);

  Rows c(4, Row(4));
  Rows d(2, Row(4));
  double target_square = 0;
  const Rows targets = rows_of(data.train.values);
  for (std::size_t e = 0; e < 17; ++e) {
    Row x = rows_of(data.train.inputs)[e];
    x.push_back(1);
    for (std::size_t j = 0; j < 4; ++j) {
      for (std::size_t k = 0; k < 4; ++k) c[j][k] += x[j] * x[k] / 17;
      for (std::size_t i = 0; i < 2; ++i) d[i][j] += targets[e][i] * x[j] / 17;
    }
    for (const double t : targets[e]) target_square += t * t / 17;
  }
  const Row start = start_of(run, data);
  Rows theta = {{start[0], start[1], start[2], start[6]}, {start[3], start[4], start[5], start[7]}};
  for (std::size_t step = 0; step <= 40; ++step) {
    Rows gradient(2, Row(4));  // with m = 2 outputs, 2/m = 1
    double loss = target_square / 2;
    double norm_square = 0;
    for (std::size_t i = 0; i < 2; ++i) {
      for (std::size_t j = 0; j < 4; ++j) {
        double tc = 0;
        for (std::size_t k = 0; k < 4; ++k) tc += theta[i][k] * c[k][j];
        gradient[i][j] = tc - d[i][j];
        loss += (theta[i][j] * tc - 2 * theta[i][j] * d[i][j]) / 2;
        if (j < 3) norm_square += gradient[i][j] * gradient[i][j];
      }
    }
    ASSERT_NEAR(metric(record, "train_loss")[step], loss, kClosedForm) << "step " << step;
    ASSERT_NEAR(metric(record, "gradient_norm")[step], std::sqrt(norm_square), kClosedForm)
        << "step " << step;
    for (std::size_t i = 0; i < 2 && step < 40; ++i) {
      for (std::size_t j = 0; j < 4; ++j) theta[i][j] -= learning_rates[step] * gradient[i][j];
    }
  }
  EXPECT_LT(metric(record, "train_loss")[40], 0.7 * metric(record, "train_loss")[0])
      << "else there is little to follow";
}

TEST(LinearModelTest, FollowsTheClosedFormOfFullBatchDescent) {
  expect_closed_form({}, std::vector<double>(40, 0.3));
}

TEST(LinearModelTest, FollowsTheClosedFormUnderACosineSchedule) {
  std::vector<double> rates;
  for (int t = 1; t <= 40; ++t) {
    rates.push_back(0.3 * (0.1 + 0.9 * (1 + std::cos(std::numbers::pi * (t - 1) / 40)) / 2));
  }
  expect_closed_form({{"schedule.name", node("cosine")}, {"schedule.final", node(0.1)}}, rates);
}

// What the oracle measures at each step of a run; `update` changes the parameters by the gradient
// of update t = 1, 2, ...
template <class Update>
void expect_oracle_trajectory(const std::vector<Setting>& settings, const Update& update) {
  const RunConfiguration run = configured(settings);
  const Dataset data = run.data->load({});
  const RunRecord record = trained(run, data);
  oracle::NaiveNetwork network{{data.features}, run.model.activation_name};
  for (const std::size_t width : run.model.widths) network.sizes.push_back(width);
  network.sizes.push_back(data.outputs);

  const Rows inputs = rows_of(data.train.inputs);
  const Rows targets = rows_of(data.train.values);
  Row parameters = start_of(run, data);
  BatchOrder order(inputs.size(), run.batch, run.seed);
  for (std::int64_t step = 0; step <= run.steps; ++step) {
    Rows batch_inputs;
    Rows batch_targets;
    for (const std::uint32_t example : order.at(step)) {
      batch_inputs.push_back(inputs[example]);
      batch_targets.push_back(targets[example]);
    }
    const oracle::NaiveStep batch =
        oracle::naive_step(network, "mean_squared_error", parameters, batch_inputs, batch_targets);
    const auto at = static_cast<std::size_t>(step);
    const double train_loss =
        oracle::naive_step(network, "mean_squared_error", parameters, inputs, targets).loss;
    const double valid_loss =
        oracle::naive_step(network, "mean_squared_error", parameters, rows_of(data.valid.inputs),
                           rows_of(data.valid.values))
            .loss;
    ASSERT_NEAR(metric(record, "train_loss")[at], train_loss, kTrajectory * train_loss) << step;
    ASSERT_NEAR(metric(record, "valid_loss")[at], valid_loss, kTrajectory * valid_loss) << step;
    for (std::size_t l = 1; l <= network.depth(); ++l) {
      double square = 0;
      for (const Row& delta : batch.error_signals[l]) {
        for (const double value : delta) square += value * value;
      }
      const double error_signal = std::sqrt(square / static_cast<double>(run.batch));
      ASSERT_NEAR(metric(record, "error_signal")[at * network.depth() + l - 1], error_signal,
                  kTrajectory * error_signal)
          << "step " << step << ", layer " << l;
    }
    update(static_cast<double>(step + 1), batch.gradient, parameters);
  }
}

class TrajectoryTest : public testing::TestWithParam<int> {};

INSTANTIATE_TEST_SUITE_P(AtDepth, TrajectoryTest, testing::Values(0, 1, 9),
                         testing::PrintToStringParamName());

TEST_P(TrajectoryTest, OfStochasticDescentTakesTheBatchesOfTheRunsOrder) {
  // 22 examples in batches of 4: five steps an epoch, and two examples left over.
  const std::vector<Setting> own = {{"model.depth", node(GetParam())},
                                    {"train.batch", node(4)},
                                    {"optimizer.name", node("sgd")},
                                    {"optimizer.lr", node(0.05)}};
  expect_oracle_trajectory(with(regression_run(22), own),
                           [](double, const Row& gradient, Row& parameters) {
                             for (std::size_t i = 0; i < gradient.size(); ++i) {
                               parameters[i] -= 0.05 * gradient[i];
                             }
                           });
}

TEST_P(TrajectoryTest, OfAdamIsAlgorithm1WithOneStepCountForAllTensors) {
  const std::vector<Setting> own = {{"model.depth", node(GetParam())},
                                    {"train.batch", node(22)},
                                    {"optimizer.name", node("adam")},
                                    {"optimizer.lr", node(0.01)}};
  Row m(10000);
  Row v(10000);
  expect_oracle_trajectory(with(regression_run(22), own),
                           [&](double t, const Row& gradient, Row& parameters) {
                             for (std::size_t i = 0; i < gradient.size(); ++i) {
                               m[i] = 0.9 * m[i] + 0.1 * gradient[i];
                               v[i] = 0.999 * v[i] + 0.001 * gradient[i] * gradient[i];
                               const double m_hat = m[i] / (1 - std::pow(0.9, t));
                               const double v_hat = v[i] / (1 - std::pow(0.999, t));
                               parameters[i] -= 0.01 * m_hat / (std::sqrt(v_hat) + 1e-8);
                             }
                           });
}

}  // namespace
}  // namespace plumbline
