// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "engine/network/network.hpp"
#include "engine/training/run_configuration.hpp"
#include "tests/initializers/weights_file.hpp"
#include "tests/plugins.hpp"

namespace plumbline {
namespace {

using testing::HasSubstr;

/// A net of 2 features, hidden layers of 4 and 3 units and 2 outputs, and a file for it.
class FromFile : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  static ParameterLayout layout_of(const std::vector<std::size_t>& widths) {
    ModelSettings model;
    model.widths = widths;
    model.activation = default_activation("tanh");
    model.output_activation = default_activation("linear");
    return parameter_layout(model, 2, 2);
  }

  SettingsTable run_from(const std::string& path) const {
    SettingsTable given = table_of(
        {{"data.name", "xor"}, {"train.batch", 4}, {"model.initializer.path", path.c_str()}});
    given.set_path("model.initializer.name", {std::string("from_file"), {"net.toml", 5, 15}});
    SettingList widths = {{std::int64_t{4}, {}}, {std::int64_t{3}, {}}};
    given.set_path("model.widths", {widths, {}});
    return given;
  }
  static RunConfiguration configured(const SettingsTable& given) {
    SettingsReport report;
    RunConfiguration run = configure(given, report);
    for (const Problem& problem : report.problems) ADD_FAILURE() << problem.message;
    return run;
  }
  /// The one problem that the run has.
  static std::string complaint(const SettingsTable& given) {
    SettingsReport report;
    configure(given, report);
    EXPECT_EQ(report.problems.size(), 1U);
    return report.problems.empty() ? "none" : report.problems[0].message;
  }

  /// A file that lacks one tensor of the net, but what `add` makes of its name.
  template <class Add>
  void write_without(const std::string& name, const Add& add) const {
    Hdf5File file(path_);
    for (const ParameterTensor& tensor : layout_.tensors()) {
      std::vector<hsize_t> shape = {tensor.rows};
      if (tensor.group != ParameterGroup::bias) shape.push_back(tensor.cols);
      if (tensor.name != name) file.add(tensor.name, shape, stored_values(tensor));
    }
    add(file);
  }

  const std::string folder_ = testing::TempDir() + "from_file_" +
                              testing::UnitTest::GetInstance()->current_test_info()->name();
  const std::string path_ = folder_ + "/weights.h5";
  const ParameterLayout layout_ = layout_of({4, 3});
};

TEST_F(FromFile, StartsTheNetWithTheFilesNumbers) {
  write_weights(path_, layout_);
  const RunConfiguration run = configured(run_from(path_));
  Network<double> network(run.model, 2, 2, 1);
  std::vector<double> parameters(network.layout().size(), -99);
  network.initialize(*run.model.initializer, 1, parameters);
  ASSERT_EQ(network.layout(), layout_);
  for (const ParameterTensor& tensor : layout_.tensors()) {
    const auto begin = parameters.begin() + static_cast<std::ptrdiff_t>(tensor.offset);
    EXPECT_EQ(std::vector<double>(begin, begin + static_cast<std::ptrdiff_t>(tensor.size())),
              stored_values(tensor))
        << tensor.name;
  }
}

TEST_F(FromFile, MayHoldSinglePrecisionAndWhatElseItLikes) {
  {
    Hdf5File file(path_);
    for (const ParameterTensor& tensor : layout_.tensors()) {
      std::vector<hsize_t> shape = {tensor.rows};
      if (tensor.group != ParameterGroup::bias) shape.push_back(tensor.cols);
      file.add(tensor.name, shape, stored_values(tensor), H5T_IEEE_F32LE);
    }
    file.add_text("remark");
    file.add_group("optimizer");
  }
  const RunConfiguration run = configured(run_from(path_));
  Network<double> network(run.model, 2, 2, 1);
  std::vector<double> parameters(network.layout().size(), -99);
  network.initialize(*run.model.initializer, 1, parameters);
  EXPECT_EQ(parameters[0], static_cast<float>(stored_values(layout_.tensors()[0])[0]));
}

TEST_F(FromFile, ContentAndNotThePathMakesTheRun) {
  const std::string moved = folder_ + "/moved.h5";
  write_weights(path_, layout_);
  write_weights(moved, layout_);
  const std::string id = run_id(configured(run_from(path_)));
  EXPECT_EQ(run_id(configured(run_from(moved))), id);
  write_weights(moved, layout_, 2);
  EXPECT_NE(run_id(configured(run_from(moved))), id);
}

TEST_F(FromFile, MayBeHeldToAContent) {
  write_weights(path_, layout_);
  const RunConfiguration run = configured(run_from(path_));
  const auto found =
      std::ranges::find(run.resolved, "model.initializer.content", &ResolvedSetting::key);
  ASSERT_NE(found, run.resolved.end());
  const std::string content = std::get<std::string>(found->value.value);
  EXPECT_EQ(content.size(), 16U);

  SettingsTable given = run_from(path_);
  given.set_path("model.initializer.content", {content, {}});
  EXPECT_EQ(run_id(configured(given)), run_id(run));
  given.set_path("model.initializer.content", {std::string("0123456789abcdef"), {}});
  EXPECT_EQ(complaint(given), "'model.initializer.content' is '0123456789abcdef'; " + path_ +
                                  " has '" + content + "'");
}

TEST_F(FromFile, RunsShareOneCopyOfAContent) {
  write_weights(path_, layout_);
  const auto initializer = [&] {
    return made(initializer_catalogue(), "from_file", table_of({{"path", path_.c_str()}}));
  };
  const auto first = initializer();
  write_weights(path_, layout_, 2);
  const auto second = initializer();
  Random unused(1, RandomStream::init, 1);
  const ParameterTensor& tensor = layout_.tensors()[0];
  std::vector<double> weights(tensor.size());
  const auto filled = [&](const Initializer& from) {
    from.fill_weights(tensor, {weights.data(), tensor.rows, tensor.cols, tensor.cols}, unused);
    return weights;
  };
  EXPECT_EQ(filled(*first), stored_values(tensor));
  EXPECT_EQ(filled(*second), stored_values(tensor, 2));
  EXPECT_EQ(filled(*first), stored_values(tensor));
}

TEST_F(FromFile, NeedsAPathToAnHdf5File) {
  const SettingsTable without =
      table_of({{"data.name", "xor"}, {"train.batch", 4}, {"model.initializer", "from_file"}});
  EXPECT_EQ(complaint(without), "'model.initializer.path' is not given, or empty");
  EXPECT_EQ(complaint(run_from(path_)),
            "'model.initializer.path' is '" + path_ + "', and there is no such file");
  std::ofstream(path_) << "weights";
  EXPECT_THAT(complaint(run_from(path_)), HasSubstr(path_ + ": cannot open it as HDF5: "));
}

TEST_F(FromFile, NeedsEveryTensorOfTheNet) {
  for (const char* name : {"layer_1.weight", "layer_2.bias", "layer_3.weight"}) {
    write_without(name, [](Hdf5File& /*file*/) {});
    EXPECT_EQ(complaint(run_from(path_)), "'model.initializer.path' does not fit this net: " +
                                              path_ + ": has no dataset '" + name + "'");
  }
  Hdf5File(path_).add_text("weights");
  EXPECT_THAT(complaint(run_from(path_)), HasSubstr(": has no dataset 'layer_1.weight'"));
}

TEST_F(FromFile, NeedsTheShapesOfTheNet) {
  write_without("layer_2.weight", [](Hdf5File& file) {
    file.add("layer_2.weight", {4, 3}, std::vector<double>(12));
  });
  EXPECT_EQ(complaint(run_from(path_)),
            "'model.initializer.path' does not fit this net: " + path_ +
                ": 'layer_2.weight' is 4 x 3, and the layer needs 3 x 4; is it transposed?");
  write_without("layer_2.bias",
                [](Hdf5File& file) { file.add("layer_2.bias", {3, 1}, std::vector<double>(3)); });
  EXPECT_THAT(complaint(run_from(path_)),
              HasSubstr("'layer_2.bias' is 3 x 1, and the layer needs 3"));
  write_without("layer_2.bias", [](Hdf5File& file) { file.add("layer_2.bias", {}, {1}); });
  EXPECT_THAT(complaint(run_from(path_)), HasSubstr("'layer_2.bias' is one number"));
  write_weights(path_, layout_of({4, 5}));
  EXPECT_THAT(complaint(run_from(path_)),
              HasSubstr("'layer_2.weight' is 5 x 4, and the layer needs 3 x 4"));
}

TEST_F(FromFile, RefusesLayersThatTheNetDoesNotHave) {
  write_weights(path_, layout_of({4, 3, 2}));
  EXPECT_EQ(complaint(run_from(path_)), "'model.initializer.path' does not fit this net: " + path_ +
                                            ": 'layer_4.bias' is in no layer of it");
  const auto deeper =
      made(initializer_catalogue(), "from_file", table_of({{"path", path_.c_str()}}));
  EXPECT_EQ(deeper->problem(layout_of({4, 3, 2})), "");
  ParameterLayout first;
  first.add("layer_1.weight", 1, ParameterGroup::output, 4, 2);
  first.add("layer_1.bias", 1, ParameterGroup::bias, 4, 1);
  EXPECT_EQ(deeper->problem(first),
            "does not fit this net: " + path_ + ": 'layer_2.bias' is in no layer of it");
}

TEST_F(FromFile, HoldsWhateverALayerLearns) {
  const auto settings = [&](const char* kind, const char* normalization) {
    return table_of({{"data.name", "adding_problem"},
                     {"data.steps", 5},
                     {"loss.name", "mean_squared_error"},
                     {"train.batch", 4},
                     {"model.kind", kind},
                     {"model.width", 3},
                     {"model.normalization", normalization},
                     {"model.precision", "float64"}});
  };
  for (const auto& [kind, normalization] :
       {std::pair{"lstm", "none"}, std::pair{"mlp", "weight_norm"},
        std::pair{"mlp", "batch_norm"}}) {
    SettingsTable given = settings(kind, normalization);
    const RunConfiguration before = configured(given);
    const ParameterLayout layout =
        parameter_layout(before.model, before.input(), before.data->outputs());
    write_weights(path_, layout);
    given.set_path("model.initializer.name", {std::string("from_file"), {}});
    given.set_path("model.initializer.path", {path_, {}});
    const RunConfiguration run = configured(given);
    Network<double> network(run.model, run.input(), run.data->outputs(), 1);
    std::vector<double> parameters(layout.size());
    network.initialize(*run.model.initializer, 1, parameters);
    for (const ParameterTensor& tensor : layout.tensors()) {
      EXPECT_EQ(std::vector(parameters.begin() + static_cast<std::ptrdiff_t>(tensor.offset),
                            parameters.begin() +
                                static_cast<std::ptrdiff_t>(tensor.offset + tensor.size())),
                stored_values(tensor))
          << tensor.name;
    }
  }
}

TEST_F(FromFile, HoldsTheTableOfAnEmbedding) {
  SettingsTable embedding = table_of({{"name", "embedding"}, {"width", 5}, {"std", 0.5}});
  SettingsTable given = table_of({{"initializer.name", "from_file"},
                                  {"initializer.path", path_.c_str()},
                                  {"precision", "float64"}});
  given.set("layers", {SettingList{{embedding, {}}}, {}});
  const Shape symbols = Shape::symbol_rows(1, 2, 7);
  const auto read = [&] {
    return read_with(given, [](Settings& settings) { return ModelSettings::read(settings); });
  };
  write_weights(path_, layout_);
  const ParameterLayout layout = parameter_layout(read(), symbols, 3);
  write_weights(path_, layout);
  const ModelSettings model = read();
  Network<double> network(model, symbols, 3, 1);
  std::vector<double> parameters(layout.size());
  network.initialize(*model.initializer, 1, parameters);
  const ParameterTensor& table = layout.tensors().front();
  ASSERT_EQ(table.name, "embedding_1.table");
  EXPECT_EQ(std::vector(parameters.begin(),
                        parameters.begin() + static_cast<std::ptrdiff_t>(table.size())),
            stored_values(table));
}

TEST_F(FromFile, NeedsNumbers) {
  write_without("layer_1.bias", [](Hdf5File& file) { file.add_text("layer_1.bias"); });
  EXPECT_EQ(complaint(run_from(path_)), "'model.initializer.path' cannot be used: " + path_ +
                                            ": 'layer_1.bias' does not hold numbers");
}

TEST_F(FromFile, NeedsFiniteNumbers) {
  for (const auto& [value, word] : {std::pair(std::nan(""), "NaN"), {HUGE_VAL, "inf"}}) {
    write_without("layer_2.bias", [value](Hdf5File& file) {
      std::vector<double> bias(2, 0.5);
      bias[1] = value;
      file.add("layer_2.bias", {bias.size()}, bias, H5T_IEEE_F64LE);
    });
    EXPECT_EQ(complaint(run_from(path_)), "'model.initializer.path' cannot be used: " + path_ +
                                              ": 'layer_2.bias' holds " + word +
                                              ", from which no net can start");
  }
}

TEST_F(FromFile, NeedsNumbersThatTheNetCanHold) {
  write_without("layer_2.bias", [](Hdf5File& file) {
    file.add("layer_2.bias", {3}, {0.5, -1e39, 0.5}, H5T_IEEE_F64LE);
  });
  EXPECT_EQ(complaint(run_from(path_)),
            "'model.initializer.path' does not fit this net: 'layer_2.bias' holds -1e+39, which "
            "float32 cannot; try model.precision = \"float64\"");
  SettingsTable wide = run_from(path_);
  wide.set_path("model.precision", {std::string("float64"), {}});
  configured(wide);
}

TEST_F(FromFile, FillsNoTensorThatItDoesNotHave) {
  write_weights(path_, layout_);
  const auto from = made(initializer_catalogue(), "from_file", table_of({{"path", path_.c_str()}}));
  Random unused(1, RandomStream::init, 1);
  std::vector<double> bias(5);
  EXPECT_THROW(from->fill_bias({"layer_1.bias", 1, ParameterGroup::bias, 5, 1, 0}, bias, unused),
               EnvironmentError);
}

}  // namespace
}  // namespace plumbline
