// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/datasets/dataset.hpp"
#include "experiments/runner/definition/definition.hpp"
#include "experiments/runner/plan/plan.hpp"

namespace plumbline {

/// A source whose examples are in memory, so that a measured sweep copies them and does not make them.
class LoadedSource final : public DataSource {
 public:
  explicit LoadedSource(const DataSource& source)
      : sizes_(source.sizes()), data_(source.load({})) {}

  std::size_t features() const override { return data_.features; }
  std::size_t outputs() const override { return data_.outputs; }
  bool has_labels() const override { return data_.has_labels; }
  Shape shape() const override { return data_.shape; }
  std::size_t target_steps() const override { return data_.target_steps; }
  SplitSizes sizes() const override { return sizes_; }
  Dataset load(const DataFolders& /*folders*/) const override { return data_; }
  const Dataset& data() const { return data_; }

 private:
  SplitSizes sizes_;
  Dataset data_;
};

/// The plan that `plumbline run` makes of a definition with this text and these overrides, but for its
/// data, which are loaded here. Throws DefinitionError.
inline Plan text_plan(const std::string& text, const std::vector<std::string>& overrides) {
  std::vector<Problem> problems;
  Definition definition = parse_definition("benchmark.toml", text, overrides, problems);
  Plan plan = make_plan(std::move(definition), std::move(problems));
  std::map<std::string, std::shared_ptr<const DataSource>> loaded;
  for (RunSpec& run : plan.runs) {
    auto& source = loaded[run.configuration.data_key];
    if (!source) source = std::make_shared<LoadedSource>(*run.configuration.data);
    run.configuration.data = source;
  }
  return plan;
}

/// "key=value", an override.
template <typename Value>
std::string set_to(const std::string& key, const Value& value) {
  return key + '=' + std::to_string(value);
}

}  // namespace plumbline
