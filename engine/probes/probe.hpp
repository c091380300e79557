// SPDX-License-Identifier: Apache-2.0
// What a probe is: a quantity or a tight group of them, measured in a training run at the steps of a
// schedule. README.md beside this file says how one is written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/core/catalogue.hpp"
#include "engine/core/matrix_view.hpp"
#include "engine/core/sampling.hpp"
#include "engine/core/state_archive.hpp"
#include "engine/layers/pass_cost.hpp"
#include "engine/losses/loss.hpp"
#include "engine/network/network.hpp"
#include "engine/optimizers/optimizer.hpp"
#include "engine/probes/quantity.hpp"

namespace plumbline {

/// What is known of a run before its net is made.
struct ProbedRun {
  const ModelSettings& model;
  const Loss& loss;
  Shape input;  ///< what the net stands on
  std::size_t outputs = 0;
  std::size_t batch = 0;           ///< examples
  std::size_t train_examples = 0;  ///< of the training set
  std::size_t layers = 0;          ///< weight layers
  ParameterLayout layout = {};
  bool has_stability_limit = false;  ///< the optimizer (optimizers/stability_limit.hpp)
  bool has_preconditioner = false;   ///< in that limit

  double value_bytes() const { return model.precision == Precision::float64 ? 8 : 4; }
  /// Of a block as large as the parameters.
  double block_bytes() const { return value_bytes() * static_cast<double>(layout.size()); }

  // What probes cost, in operations as RunConfiguration::cost() counts them: those of a pass over so many
  // examples, forward or forward and back,
  double forward_cost(double examples) const {
    return examples * plumbline::forward_cost(model.layers(outputs), input);
  }
  double gradient_cost(double examples) const {
    return examples * plumbline::gradient_cost(model.layers(outputs), input);
  }
  // that many times as much where the pass is in double,
  double double_cost() const { return model.precision == Precision::float64 ? 1 : 2; }
  // of one look at so many values, as long as it takes beside large products,
  static double look_cost(double values) { return 10 * values; }
  // and of one at the parameters and at what the net keeps for a batch.
  double look_cost() const {
    return look_cost(static_cast<double>(layout.size()) +
                     static_cast<double>(batch) * model.layers(outputs).kept_values(input));
  }
};

/// A run right after the backward pass over one training batch, before the update. All of it lives in
/// the run, and holds until the probe returns.
template <typename T>
struct Snapshot {
  /// As the backward pass left it in before_update() and see_before(). In running_net() other probes have run
  /// it over whatever they like: there its tensors and its statistics alone are as they were.
  const Network<T>& network;
  std::span<const T> parameters;
  std::span<const T> gradient;
  std::size_t rows = 0;   ///< examples in the batch
  std::int64_t step = 0;  ///< updates so far
  MatrixView<const T> inputs = {};
  Targets<T> targets = {};
  double loss = 0;           ///< mean over the targets of the batch
  double learning_rate = 0;  ///< of the update to come; NaN where the optimizer has none
  Pass pass = {};            ///< what the forward pass was like
  const Optimizer<T>* optimizer = nullptr;
  double schedule_factor = 1;  ///< of the update to come
};

/// A run right after an update. The batch and its gradient are still those that the update was made of.
template <typename T>
struct Update {
  /// Says where tensors are. What its layers keep of a pass is of whatever ran last: a probe, an evaluation, an
  /// optimizer that asks for the loss elsewhere.
  const Network<T>& network;
  std::span<const T> before;  ///< parameters
  std::span<const T> after;
  std::span<const T> gradient;  ///< at `before`
  std::size_t rows = 0;
  std::int64_t step = 0;  ///< updates before this one
  MatrixView<const T> inputs = {};
  Targets<T> targets = {};
  double loss = 0;  ///< at `before`
  double learning_rate = 0;
  Pass pass = {};
};

/// The first examples of the training set, of streamed data those of the stream's first blocks, without
/// what noise adds in training.
template <typename T>
class FirstExamples {
 public:
  virtual ~FirstExamples() = default;

  /// As many as ProbeCalls::examples asked for, or fewer where the training set is smaller.
  virtual std::size_t size() const = 0;
  /// The examples first, ..., first + count - 1, at most a batch of the net, as it takes them. They and
  /// their targets() hold until the next call.
  virtual MatrixView<const T> inputs(std::size_t first, std::size_t count) = 0;
  virtual Targets<T> targets() const = 0;
};

/// What a probe may work with that runs the net.
template <typename T>
struct RunningNet {
  /// For any pass, over at most a batch, that leaves its statistics alone. Nothing behind a probe reads what the
  /// pass leaves, and the run's gradient is apart: a backward pass takes a gradient of the probe's own.
  Network<T>& network;
  const Loss& loss;
  FirstExamples<T>& examples;
};

/// Where a probe writes: for each of its quantities as many values as its axis has in this run.
class Readings {
 public:
  explicit Readings(std::span<const std::span<double>> values) : values_(values) {}
  std::span<double> operator[](std::size_t quantity) const { return values_[quantity]; }

 private:
  std::span<const std::span<double>> values_;
};

/// Which functions of a probe a run calls. "Due" are the steps of the probe's schedule.
struct ProbeCalls {
  bool before_update = false;
  bool running_net = false;  ///< heavy: runs the net, behind all that only look at it
  /// At due steps that an update follows: what is measured then stands at the step before that update,
  /// and the last step has NaN. The run keeps a copy of the parameters for it.
  bool after_update = false;
  /// One step before each due one, where nothing is to be written: for differences between steps.
  bool see_before = false;
  bool see_update = false;
  std::size_t examples = 0;  ///< of the training set, that running_net works on
};

/// Whether the run keeps a copy of the parameters for the probe.
constexpr bool sees_updates(const ProbeCalls& calls) {
  return calls.after_update || calls.see_update;
}

/// A probe of one run, with its own state and buffers. Called by the run's thread alone. One that only
/// looks at the net allocates nothing behind its first call. The defaults do nothing.
template <typename T>
class Probe {
 public:
  virtual ~Probe() = default;

  virtual void before_update(const Snapshot<T>& /*at*/, const Readings& /*values*/) {}
  virtual void running_net(const Snapshot<T>& /*at*/, const RunningNet<T>& /*net*/,
                           const Readings& /*values*/) {}
  virtual void after_update(const Update<T>& /*update*/, const RunningNet<T>& /*net*/,
                            const Readings& /*values*/) {}
  /// At a step before a due one; where the probe is due there too, right after it has measured.
  virtual void see_before(const Snapshot<T>& /*at*/) {}
  virtual void see_update(const Update<T>& /*update*/) {}

  /// Lists the members that outlive a step, so that a fresh probe of the same run goes on to the same
  /// bits.
  virtual void archive(StateArchive& /*kept*/) {}
};

/// A probe as a definition sets it, of any number of runs.
class ProbeKind {
 public:
  virtual ~ProbeKind() = default;

  /// In the order of Readings. The settings alone decide.
  virtual std::vector<Quantity> quantities() const = 0;
  virtual ProbeCalls calls(const ProbedRun& run) const = 0;
  /// Why a quantity says nothing of this run, as the rest of a sentence that ends in it: "batch_norm makes
  /// the gradients of single examples depend on the others"; empty where it does say something. Its
  /// values are then NaN, whatever the probe writes, and a probe without any quantity left is not made.
  virtual std::string undefined(std::size_t /*quantity*/, const ProbedRun& /*run*/) const {
    return {};
  }
  /// Bytes of a Probe of this run.
  virtual double memory(const ProbedRun& /*run*/) const { return 0; }
  /// Operations of one measurement, as RunConfiguration::cost() counts them; of what only looks at the net
  /// about those of one look.
  virtual double cost(const ProbedRun& run) const { return run.look_cost(); }

  virtual std::unique_ptr<Probe<float>> make_float(const ProbedRun& run) const = 0;
  virtual std::unique_ptr<Probe<double>> make_double(const ProbedRun& run) const = 0;
};

template <typename T>
std::unique_ptr<Probe<T>> make_probe(const ProbeKind& kind, const ProbedRun& run) {
  if constexpr (sizeof(T) == sizeof(float)) {
    return kind.make_float(run);
  } else {
    return kind.make_double(run);
  }
}

/// Whether any quantity of the probe says something of this run.
inline bool is_defined(const ProbeKind& kind, const ProbedRun& run) {
  for (std::size_t q = 0; q < kind.quantities().size(); ++q) {
    if (kind.undefined(q, run).empty()) return true;
  }
  return false;
}

/// Implements the two functions that make a probe by one member of Derived:
///   template <typename T> std::unique_ptr<Probe<T>> make(const ProbedRun& run) const;
template <class Derived>
class ProbeKindOf : public ProbeKind {
 public:
  std::unique_ptr<Probe<float>> make_float(const ProbedRun& run) const final {
    return static_cast<const Derived&>(*this).template make<float>(run);
  }
  std::unique_ptr<Probe<double>> make_double(const ProbedRun& run) const final {
    return static_cast<const Derived&>(*this).template make<double>(run);
  }
};

struct ProbeEntry {
  PluginInfo info;
  std::shared_ptr<const ProbeKind> (*make)(Settings&) = nullptr;
};

const Catalogue<ProbeEntry>& probe_catalogue();

/// The entry of a ProbeKind of any class that is made of Settings&, which declares its settings.
template <class Kind>
ProbeEntry probe_entry(PluginInfo info) {
  info.settings = declared_settings([](Settings& settings) {
    const Sampling sampling(settings);
    const Kind declared(settings);
  });
  return {std::move(info), [](Settings& settings) -> std::shared_ptr<const ProbeKind> {
            return std::make_shared<Kind>(settings);
          }};
}

}  // namespace plumbline
