// SPDX-License-Identifier: Apache-2.0
// Every layer against four-point differences in float64: for each parameter, and for each input, which
// here is a tensor like the others.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "engine/training/gradient_check.hpp"
#include "tests/layers/layer_run.hpp"

namespace plumbline {
namespace {

struct NamedChoice {
  std::string name;
  LayerChoice choice;
};

class LayerGradient : public testing::TestWithParam<NamedChoice> {};

TEST_P(LayerGradient, AgreesWithDifferencesForParametersAndInputs) {
  const LayerChoice& choice = GetParam().choice;
  LayerRun<double> run(choice);
  ParameterLayout all = run.layout;
  // Symbols cannot be moved a little.
  const MatrixView<double> inputs = choice.input.symbols > 0 ? MatrixView<double>() : run.inputs();
  if (!inputs.empty()) all.add("inputs", 1, ParameterGroup::hidden, inputs.rows, inputs.cols);
  std::vector<double> point = run.parameters;
  for (std::size_t i = 0; i < inputs.rows; ++i) {
    point.insert(point.end(), inputs.row(i), inputs.row(i) + inputs.cols);
  }
  const auto loss = [&](std::span<const double> at) {
    std::copy_n(at.begin(), run.parameters.size(), run.parameters.begin());
    const double* value = at.data() + run.parameters.size();
    for (std::size_t i = 0; i < inputs.rows; ++i, value += inputs.cols) {
      std::copy_n(value, inputs.cols, inputs.row(i));
    }
    return run.loss();
  };
  std::vector<double> gradient(point.size());
  run.backward(std::span(gradient).first(run.parameters.size()),
               {gradient.data() + run.parameters.size(), inputs.rows, inputs.cols, inputs.cols});
  EXPECT_TRUE(run.layer->finite());
  const GradientCheck check = check_gradient(loss, all, point, gradient, {});
  for (const TensorCheck& tensor : check.tensors) {
    EXPECT_EQ(tensor.verdict, GradientVerdict::agrees)
        << tensor.tensor.name << ": " << to_string(tensor.verdict) << ", off by "
        << tensor.largest_difference << ", rounding " << tensor.rounding;
    EXPECT_LE(tensor.skipped, tensor.checked / 20) << tensor.tensor.name;
  }
}

std::vector<NamedChoice> choices() {
  const auto dense = [](const char* activation) {
    SettingsTable table;
    table.set("name", node("dense"));
    table.set("activation", node(activation));
    return SettingNode{table, {}};
  };
  const Shape image = Shape::image(3, 4, 5);
  const Shape sequence = Shape::sequence(4, 6);
  return {
      {"dense", {"dense", {}, Shape::vector(5)}},
      {"dense_on_a_sequence", {"dense", {}, sequence}},
      {"dense_on_an_image", {"dense", {}, image}},
      {"dense_prelu", {"dense", {{"activation", node("prelu")}}, Shape::vector(5)}},
      {"weight_norm", {"weight_norm", {}, Shape::vector(5)}},
      {"weight_norm_prelu", {"weight_norm", {{"activation", node("prelu")}}, Shape::vector(5)}},
      {"batch_norm", {"batch_norm", {}, Shape::vector(5), 6}},
      {"batch_norm_on_images", {"batch_norm", {}, image, 4}},
      {"batch_norm_on_sequences", {"batch_norm", {}, sequence, 3}},
      {"batch_norm_in_use", {"batch_norm", {}, Shape::vector(5), 6, {.training = false}}},
      {"layer_norm", {"layer_norm", {}, Shape::vector(9)}},
      {"layer_norm_on_images", {"layer_norm", {}, image}},
      {"rms_norm", {"rms_norm", {}, Shape::vector(9)}},
      {"rms_norm_on_sequences", {"rms_norm", {}, sequence}},
      {"activation", {"activation", {}, Shape::vector(5)}},
      {"activation_crelu_on_images", {"activation", {{"activation", node("crelu")}}, image}},
      {"activation_prelu_on_images", {"activation", {{"activation", node("prelu")}}, image}},
      {"dropout", {"dropout", {{"rate", node(0.3)}}, Shape::vector(40), 5}},
      {"flatten", {"flatten", {}, sequence}},
      {"embedding", {"embedding", {}, Shape::symbol_rows(4, 1, 5)}},
      {"embedding_of_several_symbols", {"embedding", {}, Shape::symbol_rows(2, 3, 40)}},
      {"convolution", {"convolution", {{"channels", node(4)}}, image}},
      {"convolution_odd",
       {"convolution",
        {{"channels", node(2)}, {"kernel", node(3)}, {"stride", node(2)}, {"padding", node(1)}},
        Shape::image(3, 6, 5)}},
      {"convolution_even_kernel",
       {"convolution",
        {{"channels", node(2)}, {"kernel", node(2)}, {"stride", node(3)}, {"padding", node(1)}},
        Shape::image(1, 7, 6)}},
      {"convolution_wide_padding",
       {"convolution", {{"channels", node(3)}, {"kernel", node(5)}, {"padding", node(4)}}, image}},
      {"convolution_of_pixels",
       {"convolution",
        {{"channels", node(5)}, {"kernel", node(1)}, {"activation", node("prelu")}},
        image}},
      {"max_pool", {"max_pool", {}, Shape::image(3, 6, 5)}},
      {"max_pool_overlapping",
       {"max_pool", {{"size", node(3)}, {"stride", node(2)}}, Shape::image(2, 7, 7)}},
      {"mean_pool", {"mean_pool", {}, Shape::image(3, 6, 5)}},
      {"mean_pool_overlapping",
       {"mean_pool", {{"size", node(3)}, {"stride", node(1)}}, Shape::image(2, 5, 7)}},
      {"global_pool", {"global_pool", {}, image}},
      {"last_step", {"last_step", {}, sequence}},
      {"rnn", {"rnn", {}, Shape::sequence(20, 3), 2}},
      {"irnn", {"rnn", {{"activation", node("relu")}}, Shape::sequence(20, 3), 2}},
      {"lstm", {"lstm", {}, Shape::sequence(20, 3), 2}},
      {"lstm_with_peepholes", {"lstm", {{"peepholes", node(true)}}, Shape::sequence(20, 3), 2}},
      {"gru", {"gru", {}, Shape::sequence(20, 3), 2}},
      {"rnn_of_17_units_on_one_example", {"rnn", {{"width", node(17)}}, Shape::sequence(3, 2), 1}},
      {"lstm_of_17_units_on_one_example",
       {"lstm", {{"width", node(17)}, {"peepholes", node(true)}}, Shape::sequence(3, 2), 1}},
      {"gru_of_17_units_on_one_example", {"gru", {{"width", node(17)}}, Shape::sequence(3, 2), 1}},
      {"lstm_of_one_unit",
       {"lstm", {{"width", node(1)}, {"peepholes", node(true)}}, Shape::sequence(3, 2), 1}},
      {"gru_of_one_unit", {"gru", {{"width", node(1)}}, Shape::sequence(3, 2), 1}},
      {"highway", {"highway", {}, Shape::vector(6)}},
      {"highway_on_sequences", {"highway", {{"gate_bias", node(-1.0)}}, sequence}},
      {"residual",
       {"residual",
        {{"layers", {SettingList{dense("tanh"), node("layer_norm"), dense("sigmoid")}, {}}},
         {"scale", node(0.7)}},
        Shape::vector(7)}},
      {"residual_rezero",
       {"residual", {{"layers", {SettingList{node("dense")}, {}}}, {"rezero", node(true)}}, 7}},
  };
}

INSTANTIATE_TEST_SUITE_P(Layers, LayerGradient, testing::ValuesIn(choices()),
                         [](const auto& instance) { return instance.param.name; });

// What no case above names would go untested.
TEST(LayerGradients, CoverTheCatalogue) {
  for (const std::string& name : layer_catalogue().names()) {
    const auto all = choices();
    EXPECT_TRUE(std::ranges::any_of(all, [&](const NamedChoice& one) {
      return one.choice.name == name;
    })) << name;
  }
}

}  // namespace
}  // namespace plumbline
