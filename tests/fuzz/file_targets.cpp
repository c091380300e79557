// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "engine/activations/activation.hpp"
#include "engine/datasets/compressed.hpp"
#include "engine/datasets/dataset.hpp"
#include "engine/initializers/initializer.hpp"
#include "tests/fuzz/clean.hpp"
#include "tests/fuzz/input_file.hpp"
#include "tests/fuzz/targets.hpp"

namespace plumbline::fuzz {

namespace {

using Given = std::vector<std::pair<std::string, SettingNode>>;

// Reads the examples of a source of this name, and, where they are streamed, those of the first block.
bool load(const std::string& name, const std::filesystem::path& file, const Given& given) {
  SettingsTable table;
  table.set("file", {file.string(), {}});
  for (const auto& [key, value] : given) table.set(key, value);
  return takes([&] {
    SettingsReport report;
    Settings settings(table, "data", report);
    const auto source = dataset_catalogue().find(name)->make(settings);
    if (!report.problems.empty()) throw DefinitionError(report.problems);
    const Dataset dataset = source->load({});
    for (const auto& stream : {dataset.streamed.train, dataset.streamed.valid}) {
      if (stream != nullptr) stream->read(0);
    }
  });
}

SettingNode text(const std::string& value) { return {value, {}}; }

}  // namespace

bool read_hdf5(Input input) {
  const std::filesystem::path& file = file_with(input);
  bool taken = load("hdf5", file, {});
  taken = load("hdf5", file, {{"axes", text("sequence")}, {"values", text("values")}}) || taken;
  taken = load("hdf5", file,
               {{"labels", text("")},
                {"stream", {true, {}}},
                {"block", {std::int64_t{2}, {}}},
                {"window", {std::int64_t{1}, {}}},
                {"valid", {std::int64_t{1}, {}}}}) ||
          taken;
  const bool has_weights = takes([&] {
    const SettingsTable none;
    SettingsTable table;
    table.set("path", text(file.string()));
    SettingsReport report;
    Settings of_activation(none, "", report);
    Settings settings(table, "", report);
    const auto activation = activation_catalogue().find("tanh")->make(of_activation);
    initializer_catalogue().find("from_file")->make(settings, {*activation, "tanh"});
    if (!report.problems.empty()) throw DefinitionError(report.problems);
  });
  return taken || has_weights;
}

bool read_gzip(Input input) {
  const bool unpacked = takes([&] { unpack(input, "packed"); });
  return takes([&] { read_file(file_with(input)); }) && unpacked;
}

bool read_text(Input input) {
  const std::filesystem::path& file = file_with(input);
  const bool taken = load("text", file, {{"steps", {std::int64_t{3}, {}}}});
  return load("text", file, {{"steps", {std::int64_t{1}, {}}}, {"alphabet", text("abc")}}) || taken;
}

}  // namespace plumbline::fuzz
