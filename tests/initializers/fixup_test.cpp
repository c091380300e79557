// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "engine/network/network.hpp"
#include "tests/plugins.hpp"

namespace plumbline {
namespace {

constexpr std::size_t kFeatures = 12;
constexpr std::size_t kOutputs = 10;

/// `blocks` residual blocks of `layers` dense layers, rectifiers in front of each.
ModelSettings residual(int blocks, int layers, int width) {
  return read_with(table_of({{"kind", "residual"},
                             {"depth", 1 + blocks * layers},
                             {"block_layers", layers},
                             {"width", width},
                             {"activation", "relu"},
                             {"initializer", "fixup"}}),
                   [](Settings& settings) { return ModelSettings::read(settings); });
}

/// A fresh net after the passes over one example, whose dL/dy is the vector of ones.
struct Fresh {
  Fresh(const ModelSettings& model, std::int64_t seed, bool opens_output = false)
      : network(model, kFeatures, kOutputs, 1),
        parameters(network.layout().size()),
        gradient(parameters.size()) {
    network.initialize(*model.initializer, seed, parameters);
    Random random(seed, RandomStream::data, 0);
    if (opens_output) {
      const ParameterTensor& last = network.layer(network.depth() - 1).weight();
      for (double& w : span_of(parameters, last)) w = random.normal();
    }
    for (double& value : x) value = random.normal();
    const MatrixView<const double> batch{x.data(), 1, kFeatures, kFeatures};
    const MatrixView<const double> y = network.forward(parameters, batch);
    outputs.assign(y.row(0), y.row(0) + y.cols);
    std::fill_n(network.output_gradient().row(0), kOutputs, 1.0);
    network.backward(parameters, batch, gradient);
  }

  static std::span<double> span_of(std::vector<double>& block, const ParameterTensor& tensor) {
    return std::span(block).subspan(tensor.offset, tensor.size());
  }
  double squares(std::vector<double>& block, const ParameterTensor& tensor) {
    double sum = 0;
    for (const double value : span_of(block, tensor)) sum += value * value;
    return sum;
  }

  Network<double> network;
  std::vector<double> parameters;
  std::vector<double> gradient;
  std::vector<double> x = std::vector<double>(kFeatures);
  std::vector<double> outputs;
};

TEST(FixupTest, StartsAsTheZeroFunctionOfAnyDepth) {
  for (const int blocks : {1, 100}) {
    Fresh net(residual(blocks, 2, 16), 1);
    EXPECT_EQ(net.outputs, std::vector<double>(kOutputs)) << "so that a loss is ln 10";
    // The stream passes all blocks as it is.
    const MatrixView<const double> first = net.network.layer(0).output();
    const MatrixView<const double> last = net.network.layer(net.network.depth() - 1).input();
    for (std::size_t j = 0; j < first.cols; ++j) {
      EXPECT_EQ(last(0, j), std::max(0.0, first(0, j)));
    }
  }
}

TEST(FixupTest, DrawsEachLayerAsThePaperHasIt) {
  constexpr int kWidth = 128;
  for (const int layers : {1, 2, 3, 4}) {
    constexpr int kBlocks = 9;
    Fresh net(residual(kBlocks, layers, kWidth), 2);
    for (const ParameterTensor& tensor : net.network.layout().tensors()) {
      if (!tensor.is_weight_matrix()) {
        EXPECT_EQ(net.squares(net.parameters, tensor), 0) << tensor.name;
        continue;
      }
      const std::size_t l = tensor.layer;
      const bool output = l == static_cast<std::size_t>(kBlocks * layers) + 2;
      const bool last = l > 1 && (l - 1) % static_cast<std::size_t>(layers) == 0;
      const double he = 2 / static_cast<double>(tensor.cols);
      const double expected = output || last ? 0
                              : l == 1       ? he
                                             : he * std::pow(kBlocks, -1.0 / (layers - 1));
      const double n = static_cast<double>(tensor.size());
      // Five standard errors of the mean square of n normal variables.
      EXPECT_NEAR(net.squares(net.parameters, tensor) / n, expected,
                  5 * std::sqrt(2 / n) * expected)
          << tensor.name << ", " << layers << " layers a block";
    }
  }
}

// With the output layer opened, h the input of a branch's last layer and delta = dL/dx, which is the
// same for all blocks:  sum over blocks |dL/dW_m|^2 = |delta|^2 sum |h|^2,  and E |h|^2 =
// |max(0, x)|^2 / L. So the sum is |delta|^2 |max(0, x)|^2, whatever L and m are: so much does a step of
// gradient descent change the outputs. The mean of 40 nets of |h|^2 sums has the relative deviation
// sqrt(5 (m - 1) / (L width) / 40), at most 0.03 here.
TEST(FixupTest, HasLastLayersWhoseGradientsAddUpToTheSameAtAnyDepth) {
  constexpr int kWidth = 64;
  constexpr int kNets = 40;
  for (const int layers : {2, 3}) {
    for (const int blocks : {4, 32}) {
      double mean = 0;
      for (int seed = 0; seed < kNets; ++seed) {
        Fresh net(residual(blocks, layers, kWidth), seed, true);
        double sum = 0;
        for (const ParameterTensor& tensor : net.network.layout().tensors()) {
          if (!tensor.is_weight_matrix() || tensor.branch.branches == 0) continue;
          const double squares = net.squares(net.gradient, tensor);
          if (tensor.branch.layer == tensor.branch.layers) {
            sum += squares;
          } else {
            EXPECT_EQ(squares, 0) << tensor.name << ": the layer above starts at 0";
          }
        }
        const MatrixView<const double> x = net.network.layer(0).output();
        const MatrixView<const double> delta = net.network.layer(0).error_signal();
        double expected_x = 0;
        double expected_delta = 0;
        for (std::size_t j = 0; j < x.cols; ++j) {
          expected_x += std::pow(std::max(0.0, x(0, j)), 2);
          expected_delta += delta(0, j) * delta(0, j);
        }
        mean += sum / (expected_x * expected_delta) / kNets;
      }
      EXPECT_NEAR(mean, 1, 5 * std::sqrt(5.0 * (layers - 1) / (blocks * kWidth) / kNets))
          << layers << " layers, " << blocks << " blocks";
    }
  }
}

TEST(FixupTest, RefusesNetsWithoutResidualBlocks) {
  const auto fixup = made(initializer_catalogue(), "fixup");
  const ModelSettings plain = read_with({}, [](Settings& s) { return ModelSettings::read(s); });
  EXPECT_EQ(fixup->problem(parameter_layout(plain, kFeatures, kOutputs)),
            "is 'fixup', which is for nets of residual blocks");
  EXPECT_EQ(fixup->problem(parameter_layout(residual(2, 2, 4), kFeatures, kOutputs)), "");
}

TEST(FixupTest, RefusesBranchesThatCouldNotMove) {
  const auto problem = [](double scale) {
    SettingsTable given = table_of({{"kind", "residual"}, {"depth", 5}, {"residual_scale", scale}});
    given.set_path("rezero", {true, {}});
    const ModelSettings model =
        read_with(given, [](Settings& settings) { return ModelSettings::read(settings); });
    return made(initializer_catalogue(), "fixup")
        ->problem(parameter_layout(model, kFeatures, kOutputs));
  };
  EXPECT_EQ(problem(1), "");
  EXPECT_NE(problem(0).find("residual_scale = 1"), std::string::npos) << problem(0);
}

TEST(FixupTest, RefusesWeightsThatCannotBeZero) {
  const auto problem = [](const char* last) {
    SettingsTable block;
    block.set("name", {std::string("residual"), {}});
    block.set("layers", {SettingList{{std::string("dense"), {}}, {std::string(last), {}}}, {}});
    SettingsTable given = table_of({{"width", static_cast<int>(kFeatures)}});
    given.set("layers", {SettingList{{block, {}}}, {}});
    const ModelSettings model =
        read_with(given, [](Settings& settings) { return ModelSettings::read(settings); });
    return made(initializer_catalogue(), "fixup")
        ->problem(parameter_layout(model, kFeatures, kOutputs));
  };
  EXPECT_EQ(problem("dense"), "");
  EXPECT_EQ(problem("weight_norm"),
            "is 'fixup', which starts the last layer of each branch at 0; layer 2 is a weight_norm "
            "layer, whose weights cannot be 0");
}

// Such as one of a normalization and an activation: nothing in it grows with depth.
TEST(FixupTest, CountsNoBranchesWithoutWeights) {
  TensorList tensors;
  tensors.begin_branch();
  tensors.begin("layer_norm");
  tensors.add("gain", ParameterGroup::norm, 2, 1, 1);
  tensors.end_branch();
  for (int block = 0; block < 2; ++block) {
    tensors.begin_branch();
    tensors.begin_weight_layer();
    tensors.add("weight", ParameterGroup::hidden, 2, 2);
    tensors.end_branch();
  }
  const ParameterLayout layout = tensors.layout();
  EXPECT_EQ(layout.tensors()[1].branch, (BranchPlace{2, 1, 1}));
  EXPECT_EQ(layout.tensors()[2].branch, (BranchPlace{2, 1, 1}));
}

// A block inside a block is a part of the outer one's branch: two branches, of three layers and one.
TEST(FixupTest, CountsBlocksInsideBlocksAsTheirBranch) {
  TensorList tensors;
  tensors.begin_branch();
  tensors.begin_weight_layer();
  tensors.add("weight", ParameterGroup::hidden, 2, 2);
  tensors.begin_branch();
  tensors.begin_weight_layer();
  tensors.add("weight", ParameterGroup::hidden, 2, 2);
  tensors.end_branch();
  tensors.begin_weight_layer();
  tensors.add("weight", ParameterGroup::hidden, 2, 2);
  tensors.end_branch();
  tensors.begin_branch();
  tensors.begin_weight_layer();
  tensors.add("weight", ParameterGroup::hidden, 2, 2);
  tensors.end_branch();
  tensors.begin_weight_layer();
  tensors.add("weight", ParameterGroup::hidden, 2, 2);
  const ParameterLayout layout = tensors.layout();
  std::vector<BranchPlace> found;
  for (const ParameterTensor& tensor : layout.tensors()) found.push_back(tensor.branch);
  EXPECT_EQ(found, (std::vector<BranchPlace>{{2, 3, 1}, {2, 3, 2}, {2, 3, 3}, {2, 1, 1}, {}}));
}

}  // namespace
}  // namespace plumbline
