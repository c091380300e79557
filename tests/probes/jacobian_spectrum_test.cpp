// SPDX-License-Identifier: Apache-2.0
// Singular values of Jacobians against products of the oracle's slopes and weights, against differences of
// outputs, and where they are known.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "engine/training/first_examples.hpp"
#include "tests/curvature/curved_net.hpp"
#include "tests/kernels/on_threads.hpp"
#include "tests/network/net_and_batch.hpp"
#include "tests/oracle/jacobi_rotations.hpp"
#include "tests/probes/batch_as_examples.hpp"
#include "tests/probes/measured.hpp"
#include "tests/training/training_run.hpp"

namespace plumbline {
namespace {

// Products of up to 4 matrices of up to 80 inputs, and singular values to some 80 roundings of 2^-53 of the
// largest: some 1e-13 of it; the probe promises 1e-10.
constexpr double kPromised = 1e-10;

using oracle::Row;
using oracle::Rows;

// What the probe says of one Jacobian, in the mean over examples.
struct Spectrum {
  double mean_square = 0;
  double largest = 0;
  double smallest = 0;

  void add(const Rows& jacobian, double share) {
    const Row s = oracle::singular_values(jacobian);
    for (const double value : s)
      mean_square += share * value * value / static_cast<double>(s.size());
    largest += share * s.front();
    smallest += share * s.back();
  }
};

template <typename T>
void expect_spectrum(const ProbeAlone<T>& probe, const std::string& of, std::size_t l,
                     const Spectrum& expected, double tolerance = kPromised) {
  const double size = expected.largest;
  EXPECT_NEAR(probe[of + "_mean_square"][l], expected.mean_square, tolerance * size * size) << l;
  EXPECT_NEAR(probe[of + "_max"][l], size, tolerance * size) << of << ' ' << l;
  EXPECT_NEAR(probe[of + "_min"][l], expected.smallest, tolerance * size) << of << ' ' << l;
}

template <typename T>
ProbeAlone<T> measured(NetAndBatch<T>& example, std::size_t examples = 1000) {
  ProbeAlone<T> probe("jacobian_spectrum", {{"examples", node(examples)}}, probed_run(example));
  BatchAsExamples<T> batch(example, examples);
  probe->running_net(snapshot_of(example), {example.network, example.loss_function(), batch},
                     probe.readings());
  return probe;
}

// The first `examples` of the batch.
template <typename T>
void expect_products_of_the_oracle(const ProbeAlone<T>& probe, const NetAndBatch<T>& example,
                                   std::size_t examples, double tolerance = kPromised) {
  const oracle::NaiveNetwork network = example.naive_network();
  const Row parameters = example.naive_parameters();
  const std::size_t depth = network.depth();
  std::vector<Spectrum> outputs(depth);
  std::vector<Spectrum> layers(depth);
  Spectrum inputs;
  const double share = 1 / static_cast<double>(examples);
  for (std::size_t i = 0; i < examples; ++i) {
    const auto pass = network.forward(parameters, example.naive_inputs()[i]);
    Rows above;  // dy/da_l
    for (std::size_t l = depth; l >= 1; --l) {
      const Rows slopes =
          network.activation_of(l).slopes(pass.z[l], network.own_parameters(parameters, l));
      Rows weight;
      const std::size_t cols = network.outputs(l - 1);
      for (std::size_t unit = 0; unit < network.units(l); ++unit) {
        const double* row = parameters.data() + network.offset(l) + unit * cols;
        weight.emplace_back(row, row + cols);
      }
      const Rows from_layer = l == depth ? slopes : oracle::product(above, slopes);
      outputs[l - 1].add(from_layer, share);
      layers[l - 1].add(oracle::product(slopes, weight), share);
      above = oracle::product(from_layer, weight);
    }
    inputs.add(above, share);
  }
  for (std::size_t l = 0; l < depth; ++l) {
    expect_spectrum(probe, "output_jacobian", l, outputs[l], tolerance);
    expect_spectrum(probe, "layer_jacobian", l, layers[l], tolerance);
  }
  expect_spectrum(probe, "input_jacobian", 0, inputs, tolerance);
}

// Layers of 80 units are more than a pass has rows for; maxout has more units than outputs.
TEST(JacobianSpectrum, IsThatOfProductsOfSlopesAndWeights) {
  for (const char* activation : {"tanh", "relu", "maxout", "prelu"}) {
    NetAndBatch<double> example({.sizes = {7, 19, 80, 33, 5}, .activation = activation, .batch = 3},
                                3);
    for (const int threads : {1, 2}) {
      OnThreads(threads).run([&] {
        expect_products_of_the_oracle(measured(example), example, 3);
        expect_products_of_the_oracle(measured(example, 2), example, 2);
      });
    }
  }
}

// As the outputs of an autoencoder are.
TEST(JacobianSpectrum, HoldsForMoreOutputsThanAPassHasRowsFor) {
  NetAndBatch<double> example({.sizes = {9, 4, 131}, .output_activation = "sigmoid", .batch = 2},
                              3);
  expect_products_of_the_oracle(measured(example), example, 2);
}

TEST(JacobianSpectrum, OfANetOfFloatsIsTakenInDouble) {
  NetAndBatch<float> example({.sizes = {7, 19, 6, 33, 5}, .batch = 3}, 3);
  expect_products_of_the_oracle(measured(example), example, 3);
}

// Each layer turns and stretches by the gain: D_l W_l = gain times orthogonal. Saxe et al. 2014.
TEST(JacobianSpectrum, OfOrthogonalLinearNetsIsAPowerOfTheGain) {
  constexpr double kGain = 1.25;
  NetAndBatch<double> example({.sizes = {9, 9, 9, 9, 9}, .activation = "linear", .batch = 3}, 3);
  const auto orthogonal =
      make_plugin(initializer_catalogue(), "orthogonal", {{"gain", node(kGain)}});
  example.network.initialize(*orthogonal, 5, example.parameters);
  const ProbeAlone<double> probe = measured(example);
  const auto expect_all = [&](const std::string& of, std::size_t l, double expected) {
    expect_spectrum(probe, of, l, {expected * expected, expected, expected});
  };
  for (std::size_t l = 0; l < 4; ++l) {
    expect_all("layer_jacobian", l, kGain);
    expect_all("output_jacobian", l, std::pow(kGain, 3 - static_cast<double>(l)));
  }
  expect_all("input_jacobian", 0, std::pow(kGain, 4));
}

struct ModelCase {
  std::string name;
  std::vector<Setting> settings;
  bool has_gates = false;  ///< more pre-activations a step than inputs can move one by one
};

void PrintTo(const ModelCase& model, std::ostream* stream) { *stream << model.name; }

class JacobianSpectrumOf : public testing::TestWithParam<ModelCase> {};

std::vector<ModelCase> models() {
  const std::vector<Setting> sums = {{"data.name", node("adding_problem")},
                                     {"data.steps", node(6)},
                                     {"loss.name", node("mean_squared_error")},
                                     {"model.depth", node(1)}};
  const Setting batch_norm = {"model.normalization.name", node("batch_norm")};
  const Setting tanh = {"model.activation", node("tanh")};
  return {
      {"mlp", {tanh}},
      {"batch_norm", {tanh, batch_norm}},
      {"residual", {{"model.kind", node("residual")}, tanh, {"model.depth", node(3)}}},
      {"highway", {{"model.kind", node("highway")}, tanh}},
      {"cnn", {{"model.kind", node("cnn")}, tanh, {"model.width", node(4)}, batch_norm}},
      // As many units as inputs, so that inputs move any z.
      {"rnn", with(sums, {{"model.kind", node("rnn")}, tanh, {"model.width", node(2)}})},
      {"lstm", with(sums, {{"model.kind", node("lstm")}}), true},
      {"each_step",
       {{"data.name", node("copy_memory")},
        {"data.delay", node(3)},
        {"model.kind", node("gru")},
        {"model.depth", node(1)}},
       true},
  };
}

INSTANTIATE_TEST_SUITE_P(Every, JacobianSpectrumOf, testing::ValuesIn(models()),
                         [](const auto& instance) { return instance.param.name; });

// Four-point differences of step 2^-8: (2^-8)^4 / 30 of a fifth derivative, some 1e-9 of the outputs, and
// 2^-53 over the step, some 1e-13.
constexpr double kStep = 0x1p-8;
constexpr double kOfDifferences = 1e-7;

// The transpose of a function's Jacobian, from the differences along each of `values`.
template <class Function>
Rows transposed_jacobian(std::span<double> values, const Function& function) {
  Rows transposed;
  for (double& value : values) {
    const double here = value;
    transposed.push_back(four_point_difference(
        [&](double by) {
          value = here + by;
          return function();
        },
        kStep));
    value = here;
  }
  return transposed;
}

// The layers of the net, of which those above one are run by themselves.
class LayersAbove {
 public:
  LayersAbove(const RunConfiguration& run, Network<double>& network)
      : layout_(network.layout()),
        stack_(run.model.layers(run.data->outputs())
                   .stack<double>(layout_, run.input(), 1, run.model.gemm)) {
    std::vector<std::span<double>> state;
    stack_.add_state(state);
    for (std::size_t i = 0; i < state.size(); ++i) {
      std::ranges::copy(network.state()[i], state[i].begin());
    }
  }

  // (dy/dz_l)^T where layer l hands on its z_l, by differences in what it hands on.
  Rows from(std::size_t l, std::span<const double> parameters, MatrixView<const double> input) {
    const Pass used{.training = false};
    std::vector<const WeightLayer<double>*> passed;
    std::size_t above = 0;
    for (; passed.size() <= l; ++above) {
      input = stack_.layers()[above]->forward(parameters, input, used);
      stack_.layers()[above]->add_weight_layers(passed);
    }
    Row z(input.row(0), input.row(0) + input.cols);
    return transposed_jacobian(z, [&] {
      MatrixView<const double> at{z.data(), 1, z.size(), z.size()};
      for (std::size_t k = above; k < stack_.layers().size(); ++k) {
        at = stack_.layers()[k]->forward(parameters, at, used);
      }
      return flat(at);
    });
  }

 private:
  ParameterLayout layout_;
  Stack<double> stack_;
};

// D^T = W^T (dy/dz)^T of two inputs and two units, for (dy/dz)^T.
Rows over_square_weights(const double* w, const Rows& d) {
  const double determinant = w[0] * w[3] - w[1] * w[2];
  const Rows inverse = {{w[3] / determinant, -w[2] / determinant},
                        {-w[1] / determinant, w[0] / determinant}};
  return oracle::product(inverse, d);
}

TEST_P(JacobianSpectrumOf, IsThatOfDifferencesOfTheOutputsOfTheNetAsItIsUsed) {
  const RunConfiguration run = configured(with(with({{"model.precision", node("float64")},
                                                     {"train.steps", node(2)},
                                                     {"probes.jacobian_spectrum.every", node(1)}},
                                                    small_run()),
                                               GetParam().settings));
  const Dataset data = run.data->load({});
  const ProbedRun probed = run.probed();
  Network<double> network(run.model, run.input(), run.data->outputs(), run.batch);
  std::vector<double> parameters(network.layout().size());
  network.initialize(*run.model.initializer, 3, parameters);
  constexpr std::size_t kExamples = 2;
  FirstTrainExamples<double> examples(data, run.batch, run.batch, run.input());
  // So that the running statistics are not those of the start, nor those of a batch.
  network.forward(parameters, examples.inputs(0, run.batch),
                  {.statistics = RunningStatistics::follow});
  examples.show(kExamples);

  ProbeAlone<double> probe("jacobian_spectrum", {{"examples", node(kExamples)}}, probed);
  const Snapshot<double> at{.network = network, .parameters = parameters, .gradient = {}};
  probe->running_net(at, {network, *run.loss, examples}, probe.readings());

  Spectrum inputs;
  std::vector<Spectrum> layers(network.depth());
  LayersAbove above(run, network);
  for (std::size_t example = 0; example < kExamples; ++example) {
    const MatrixView<const double> x = examples.inputs(example, 1);
    Buffer<double> moved(x.rows, run.input());
    const MatrixView<double> room = moved.first_rows(x.rows);
    for (std::size_t i = 0; i < x.rows; ++i) std::copy_n(x.row(i), x.cols, room.row(i));
    const auto outputs = [&] {
      return flat(network.forward(parameters, room, {.training = false}));
    };
    std::vector<Rows> steps;  // of each step
    Rows all;
    for (std::size_t i = 0; i < x.rows; ++i) {
      steps.push_back(transposed_jacobian({room.row(i), room.cols}, outputs));
      all.insert(all.end(), steps.back().begin(), steps.back().end());
    }
    inputs.add(oracle::transpose(all), 1.0 / kExamples);
    for (std::size_t l = 0; l < network.depth() && !GetParam().has_gates; ++l) {
      const WeightLayer<double>& layer = network.layer(l);
      const ParameterTensor& bias = layer.bias();
      Rows transposed;
      if (layer.is_shared()) {
        const ParameterTensor& of_inputs = network.layout().tensors().front();
        ASSERT_TRUE(of_inputs.rows == 2 && of_inputs.cols == 2);
        transposed = over_square_weights(parameters.data() + of_inputs.offset, steps[l]);
      } else if (bias.size() == layer.pre_activation().cols) {
        transposed =
            transposed_jacobian(std::span(parameters).subspan(bias.offset, bias.size()), outputs);
      } else {
        transposed = above.from(l, parameters, x);
      }
      layers[l].add(oracle::transpose(transposed), 1.0 / kExamples);
    }
  }
  expect_spectrum(probe, "input_jacobian", 0, inputs, kOfDifferences);
  EXPECT_GT(inputs.largest, 1e-3) << "else there is nothing to be seen";
  for (std::size_t l = 0; l < network.depth(); ++l) {
    EXPECT_GT(probe["output_jacobian_max"][l], 1e-3);
    if (GetParam().has_gates) continue;
    expect_spectrum(probe, "output_jacobian", l, layers[l], kOfDifferences);
  }
}

// activation_stats has the run read more examples than the four that are asked for here.
TEST(JacobianSpectrum, OfARunIsThatOfItsFirstExamplesWhateverTheBatchIs) {
  const auto record_of = [](int batch) {
    return trained(with(small_run(), {{"train.batch", node(batch)},
                                      {"train.steps", node(1)},
                                      {"model.activation", node("tanh")},
                                      {"probes.activation_stats.every", node(1)},
                                      {"probes.jacobian_spectrum.every", node(1)}}));
  };
  const RunRecord some = record_of(32);
  const RunRecord others = record_of(7);
  const std::size_t layers = some.width(QuantityAxis::layer);
  for (const char* name : {"output_jacobian_mean_square", "layer_jacobian_max"}) {
    for (std::size_t l = 0; l < layers; ++l) {
      const double expected = metric(some, name)[l];
      EXPECT_NEAR(metric(others, name)[l], expected, kPromised * expected) << name;
    }
  }
  EXPECT_NEAR(metric(others, "input_jacobian_min")[0], metric(some, "input_jacobian_min")[0],
              kPromised * metric(some, "input_jacobian_max")[0]);
}

TEST(JacobianSpectrum, SaysWhereItKnowsNoJacobian) {
  const auto reason = [](const std::vector<Setting>& settings, std::size_t quantity) {
    const RunConfiguration run = configured(
        with(with({{"probes.jacobian_spectrum.every", node(1)}}, small_run()), settings));
    return run.probes.front().kind->undefined(quantity, run.probed());
  };
  for (std::size_t quantity = 0; quantity < 9; ++quantity) {
    EXPECT_EQ(reason({}, quantity), "");
    EXPECT_EQ(reason({{"model.kind", node("cnn")}}, quantity),
              quantity / 3 == 1
                  ? "the Jacobian of one layer is known in plain stacks of dense layers alone"
                  : "");
  }
}

}  // namespace
}  // namespace plumbline
