// SPDX-License-Identifier: Apache-2.0
// Layers against PyTorch in float64 (tests/golden/layers, which scripts/reference/layers.py makes): outputs,
// and gradients of parameters and inputs, to 1e-12 of the largest value in float64 and 1e-6 in float32.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/layers/layer_run.hpp"

namespace plumbline {
namespace {

using nlohmann::json;

std::filesystem::path folder() {
  return std::filesystem::path(PLUMBLINE_SOURCE_DIR) / "tests/golden/layers";
}

std::vector<std::string> names() {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(folder())) {
    found.push_back(entry.path().stem().string());
  }
  std::ranges::sort(found);
  return found;
}

json read(const std::string& name) {
  return json::parse(std::ifstream(folder() / (name + ".json")));
}

LayerChoice choice_of(const json& golden) {
  LayerChoice choice{.name = golden["layer"], .batch = golden["batch"]};
  for (const auto& [name, value] : golden["settings"].items()) {
    choice.settings.emplace_back(
        name, value.is_boolean() ? node(value.get<bool>()) : node(value.get<std::int64_t>()));
  }
  const json& shape = golden["input_shape"];
  choice.input = Shape::image(shape["channels"], shape["height"], shape["width"]);
  choice.input.steps = shape["steps"];
  choice.input.symbols = shape.value("symbols", std::size_t{0});
  choice.pass.training = golden["training"];
  return choice;
}

template <typename T>
void put(const std::vector<double>& values, MatrixView<T> to) {
  ASSERT_EQ(values.size(), to.rows * to.cols);
  for (std::size_t i = 0; i < to.rows; ++i) {
    std::ranges::transform(std::span(values).subspan(i * to.cols, to.cols), to.row(i),
                           [](double value) { return static_cast<T>(value); });
  }
}

template <typename T>
void expect_near(MatrixView<const T> found, const std::vector<double>& expected, double tolerance,
                 const std::string& what) {
  ASSERT_EQ(found.rows * found.cols, expected.size()) << what;
  double largest = 0;
  for (const double value : expected) largest = std::max(largest, std::abs(value));
  ASSERT_GT(largest, 0) << what;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(found(i / found.cols, i % found.cols), expected[i], tolerance * largest)
        << what << ", value " << i;
  }
}

// "layer_1.weight_i" is "weight_i" in the file.
std::string part_of(const ParameterTensor& tensor) {
  return tensor.name.substr(tensor.name.find('.') + 1);
}

template <typename T>
void expect_golden(const json& golden, double tolerance) {
  LayerRun<T> run(choice_of(golden));
  ASSERT_EQ(run.layout.tensors().size(), golden["parameters"].size());
  for (const ParameterTensor& tensor : run.layout.tensors()) {
    put<T>(golden["parameters"][part_of(tensor)],
           {run.parameters.data() + tensor.offset, tensor.rows, tensor.cols, tensor.cols});
  }
  put<T>(golden["inputs"], run.inputs());
  put<T>(golden["slopes"], run.slopes());
  expect_near<T>(run.forward(), golden["outputs"], tolerance, "outputs");
  std::vector<T> gradient(run.layout.size());
  const MatrixView<T> inputs = run.inputs();
  std::vector<T> input_gradient(inputs.rows * inputs.cols);
  const MatrixView<T> by_input{input_gradient.data(), inputs.rows, inputs.cols, inputs.cols};
  run.backward(gradient, by_input);
  if (golden.contains("input_gradient")) {
    expect_near<T>(by_input, golden["input_gradient"], tolerance, "input gradient");
  } else {
    EXPECT_EQ(input_gradient, std::vector<T>(input_gradient.size()));
  }
  for (const ParameterTensor& tensor : run.layout.tensors()) {
    expect_near<T>({gradient.data() + tensor.offset, tensor.rows, tensor.cols, tensor.cols},
                   golden["gradients"][part_of(tensor)], tolerance, tensor.name);
  }
}

class PyTorchLayers : public testing::TestWithParam<std::string> {};

TEST_P(PyTorchLayers, AgreeInFloat64) { expect_golden<double>(read(GetParam()), 1e-12); }
TEST_P(PyTorchLayers, AgreeInFloat32) { expect_golden<float>(read(GetParam()), 1e-6); }

INSTANTIATE_TEST_SUITE_P(Golden, PyTorchLayers, testing::ValuesIn(names()),
                         [](const auto& instance) { return instance.param; });

}  // namespace
}  // namespace plumbline
