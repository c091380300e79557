// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/digest.hpp"
#include "engine/core/error.hpp"
#include "engine/core/hdf5_array.hpp"
#include "engine/core/hdf5_process.hpp"
#include "engine/initializers/initializer.hpp"

namespace plumbline::initializers {

namespace {

using Arrays = std::map<std::string, hdf5::Array>;

/// "layer_12.weight": the name of a layer, a number, the name of a tensor in it.
bool is_tensor(std::string_view name) {
  const auto words = [](std::string_view text) {
    return !text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == text.npos;
  };
  const std::size_t part = name.find('.');
  const std::size_t number = name.find_first_of("0123456789");
  return part != name.npos && number < part && words(name.substr(0, number)) &&
         name.substr(0, part).find_first_not_of("0123456789", number) == name.npos &&
         words(name.substr(part + 1));
}

/// All that are called as tensors are; other datasets are not looked at.
Arrays read_layers(const std::string& path) {
  Arrays arrays;
  for (const std::string& name : hdf5::names_in(path)) {
    if (is_tensor(name)) arrays[name] = hdf5::read_array(path, name);
  }
  return arrays;
}

std::string shape_text(const std::vector<std::size_t>& shape) {
  std::string text;
  for (const std::size_t side : shape) text += (text.empty() ? "" : " x ") + std::to_string(side);
  return shape.empty() ? "one number" : text;
}

/// Which array holds NaN or an infinity, as a sentence; empty where none does.
std::string not_finite(const Arrays& arrays) {
  for (const auto& [name, array] : arrays) {
    const auto found =
        std::ranges::find_if(array.values, [](double value) { return !std::isfinite(value); });
    if (found == array.values.end()) continue;
    const char* value = std::isnan(*found) ? "NaN" : *found > 0 ? "inf" : "-inf";
    return '\'' + name + "' holds " + value + ", from which no net can start";
  }
  return {};
}

std::string digest_of(const Arrays& arrays) {
  std::string text;
  for (const auto& [name, array] : arrays) {
    text += name + ' ' + shape_text(array.shape) + ' ' +
            digest(std::as_bytes(std::span(array.values))) + '\n';
  }
  return digest(text);
}

/// The arrays of this content, of which runs that start from one file share a copy.
std::shared_ptr<const Arrays> shared(Arrays arrays, const std::string& content) {
  static std::mutex mutex;
  static std::map<std::string, std::weak_ptr<const Arrays>> known;
  const std::scoped_lock lock(mutex);
  std::shared_ptr<const Arrays> copy = known[content].lock();
  if (copy == nullptr) known[content] = copy = std::make_shared<const Arrays>(std::move(arrays));
  return copy;
}

// Datasets "layer_1.weight" (fan_out x fan_in), "layer_1.bias" (fan_out), ... in the root group, by the
// names that the net's tensors have, read when the run is configured. Gains, slopes of activations and
// whatever else starts from a constant may be absent, and then do so. `content` makes the values, and
// not the name of their file, part of what a run is.
class FromFile final : public Initializer {
 public:
  explicit FromFile(Settings& settings)
      : path_(
            settings.file("path", "an HDF5 file with layer_1.weight, layer_1.bias, ...").string()) {
    const std::string expected = settings.text(
        "content", "", "the digest that the file's values must have; if not given, any");
    settings.restates("path");
    if (path_.empty()) return;
    try {
      // Once by a process that a damaged file may crash.
      hdf5::in_own_process(path_, [this] { return digest_of(read_layers(path_)); });
      Arrays arrays = read_layers(path_);
      const std::string content = digest_of(arrays);
      if (!expected.empty() && expected != content) {
        settings.problem("content", "is '" + expected + "'; " + path_ + " has '" + content + "'");
      }
      settings.settle("content", {content, {}});
      if (const std::string wrong = not_finite(arrays); !wrong.empty()) {
        settings.problem("path", "cannot be used: " + path_ + ": " + wrong);
      }
      arrays_ = shared(std::move(arrays), content);
    } catch (const EnvironmentError& error) {
      settings.problem("path", std::string("cannot be used: ") + error.what());
    }
  }

  std::string problem(const ParameterLayout& layout) const override {
    if (arrays_ == nullptr) return {};
    std::set<std::string> unused;
    for (const auto& [name, array] : *arrays_) unused.insert(name);
    for (const ParameterTensor& tensor : layout.tensors()) {
      if (tensor.initial && !has_values_of(tensor)) continue;
      const std::string wrong = problem(tensor);
      if (!wrong.empty()) return "does not fit this net: " + wrong;
      unused.erase(tensor.name);
    }
    if (unused.empty()) return {};
    return "does not fit this net: " + path_ + ": '" + *unused.begin() + "' is in no layer of it";
  }
  bool has_values_of(const ParameterTensor& tensor) const override {
    return arrays_ != nullptr && arrays_->contains(tensor.name);
  }

  std::string problem_setting() const override { return "path"; }

  void fill_weights(const ParameterTensor& tensor, MatrixView<double> weights,
                    Random& /*random*/) const override {
    const std::vector<double>& values = values_of(tensor);
    for (std::size_t i = 0; i < weights.rows; ++i) {
      std::copy_n(values.data() + i * weights.cols, weights.cols, weights.row(i));
    }
  }
  void fill_bias(const ParameterTensor& tensor, std::span<double> bias,
                 Random& /*random*/) const override {
    std::ranges::copy(values_of(tensor), bias.begin());
  }
  std::optional<double> weight_variance(std::size_t /*fan_in*/,
                                        std::size_t /*fan_out*/) const override {
    return std::nullopt;
  }
  bool independent_weights() const override { return false; }

 private:
  std::string problem(const ParameterTensor& tensor) const {
    if (arrays_ == nullptr) return {};
    const auto found = arrays_->find(tensor.name);
    if (found == arrays_->end()) return path_ + ": has no dataset '" + tensor.name + "'";
    std::vector<std::size_t> shape = {tensor.rows};
    if (tensor.is_weight_matrix()) shape.push_back(tensor.cols);
    if (found->second.shape == shape) return {};
    const std::vector<std::size_t> reversed(shape.rbegin(), shape.rend());
    return path_ + ": '" + tensor.name + "' is " + shape_text(found->second.shape) +
           ", and the layer needs " + shape_text(shape) +
           (found->second.shape == reversed ? "; is it transposed?" : "");
  }
  const std::vector<double>& values_of(const ParameterTensor& tensor) const {
    const std::string wrong = arrays_ == nullptr ? path_ + ": was not read" : problem(tensor);
    if (!wrong.empty()) throw EnvironmentError(wrong);
    return arrays_->at(tensor.name).values;
  }

  std::string path_;
  std::shared_ptr<const Arrays> arrays_;
};

}  // namespace

InitializerEntry from_file() {
  return initializer_entry<FromFile>({
      .summary = "Weights, biases and other parameters from an HDF5 file: a net that goes on from, "
                 "or back to, a "
                 "known point.",
      .formula = "layer_l.weight (fan_out x fan_in), layer_l.bias (fan_out), l = 1, 2, ...; "
                 "others by the names that explain prints",
      .paper = "Frankle & Carbin, The lottery ticket hypothesis: finding sparse, trainable neural "
               "networks, ICLR 2019, arXiv:1803.03635 (nets restarted from the same weights)",
  });
}

}  // namespace plumbline::initializers
