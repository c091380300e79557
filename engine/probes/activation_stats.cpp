// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "engine/kernels/sum.hpp"
#include "engine/probes/activations_of.hpp"
#include "engine/probes/probe.hpp"
#include "engine/probes/unit_slopes.hpp"

namespace plumbline::probes {

namespace {

// The powers of a - centre over a matrix, added up.
class CentredPowers {
 public:
  void set_centre(double centre) { centre_ = centre; }

  template <typename T>
  void add(MatrixView<const T> a) {
    for (std::size_t power = 0; power < sums_.size(); ++power) {
      for (std::size_t i = 0; i < a.rows; ++i) {
        const T* const row = a.row(i);
        sums_[power].add(a.cols, [&](std::size_t j) {
          const double d = static_cast<double>(row[j]) - centre_;
          return power == 0 ? d : power == 1 ? d * d : power == 2 ? d * d * d : d * d * (d * d);
        });
      }
    }
    count_ += static_cast<double>(a.rows * a.cols);
  }

  double mean() const { return centre_ + moment(0); }
  double variance() const { return moment(1) - moment(0) * moment(0); }
  // E[(a - mean)^4], from the powers about the centre.
  double fourth() const {
    const double m = moment(0);
    return moment(3) - 4 * m * moment(2) + 6 * m * m * moment(1) - 3 * m * m * m * m;
  }

 private:
  double moment(std::size_t index) const { return sums_[index].total() / count_; }

  double centre_ = 0;
  double count_ = 0;
  std::array<PartialSums, 4> sums_;
};

// Over the first `examples` of the training set, as the net is used, and over all units of a layer together:
// mean, standard deviation and kurtosis E[(a - mean)^4] / std^4 (3 of a normal distribution) of what the
// layer hands on; the share of units and examples with |phi'(z)| < tau; and of units for which that is so
// with every example. Of a rectifier, units that are silent. Moments are taken about the mean of the first
// batch, so that nothing cancels. A forward pass over the examples, and five more over the activations.
template <typename T>
class ActivationStats final : public Probe<T> {
 public:
  ActivationStats(const ProbedRun& run, double tau, bool knows_slopes) : tau_(tau) {
    if (!knows_slopes) return;
    slopes_ = std::make_unique<UnitSlopes<T>>(run.model);
    steepest_.resize(run.layers);
  }

  void running_net(const Snapshot<T>& at, const RunningNet<T>& net,
                   const Readings& values) override {
    const std::size_t depth = net.network.depth();
    std::vector<CentredPowers> powers(depth);
    std::vector<double> saturated(depth, 0);
    const std::size_t examples = net.examples.size();
    for (std::size_t first = 0; first < examples; first += net.network.batch()) {
      const std::size_t count = std::min(net.network.batch(), examples - first);
      net.network.forward(at.parameters, net.examples.inputs(first, count), {.training = false});
      for (std::size_t l = 0; l < depth; ++l) {
        const MatrixView<const T> a = activations_of(net.network, l);
        if (first == 0) powers[l].set_centre(mean_of(a));
        powers[l].add(a);
        if (slopes_ != nullptr) saturated[l] += look_at_slopes(net.network, l, first == 0);
      }
    }
    for (std::size_t l = 0; l < depth; ++l) {
      const double variance = powers[l].variance();
      values[0][l] = powers[l].mean();
      values[1][l] = std::sqrt(std::max(variance, 0.0));
      values[2][l] = powers[l].fourth() / (variance * variance);
      if (slopes_ == nullptr) continue;
      const std::vector<T>& steepest = steepest_[l];
      const auto units = static_cast<double>(steepest.size());
      values[3][l] = saturated[l] / (units * static_cast<double>(examples));
      values[4][l] = static_cast<double>(std::ranges::count_if(
                         steepest, [this](T slope) { return is_flat(slope); })) /
                     units;
    }
  }

 private:
  bool is_flat(T magnitude) const { return static_cast<double>(magnitude) < tau_; }

  static double mean_of(MatrixView<const T> a) {
    PartialSums sums;
    for (std::size_t i = 0; i < a.rows; ++i) {
      const T* const row = a.row(i);
      sums.add(a.cols, [row](std::size_t j) { return static_cast<double>(row[j]); });
    }
    return sums.total() / static_cast<double>(a.rows * a.cols);
  }

  // How many of the slopes are flat; the steepest of each unit is kept.
  double look_at_slopes(const Network<T>& network, std::size_t l, bool is_first) {
    const MatrixView<const T> slopes = slopes_->of(network, l);
    std::vector<T>& steepest = steepest_[l];
    if (is_first) steepest.assign(slopes.cols, T(0));
    double flat = 0;
    for (std::size_t i = 0; i < slopes.rows; ++i) {
      const T* const row = slopes.row(i);
      for (std::size_t j = 0; j < slopes.cols; ++j) {
        const T magnitude = std::abs(row[j]);
        flat += is_flat(magnitude) ? 1 : 0;
        steepest[j] = std::max(steepest[j], magnitude);
      }
    }
    return flat;
  }

  double tau_;
  std::unique_ptr<UnitSlopes<T>> slopes_;  // null where they are not known
  std::vector<std::vector<T>> steepest_;   // by layer: the largest |phi'(z)| of each unit
};

class ActivationStatsKind final : public ProbeKindOf<ActivationStatsKind> {
 public:
  explicit ActivationStatsKind(Settings& settings)
      : examples_(static_cast<std::size_t>(settings.integer(
            "examples", 1000, between(1, 1e9), "how many, from the first of the training set on"))),
        tau_(settings.number("tau", 0.01, kPositive,
                             "a unit is saturated where the magnitude of its slope is below")) {}

  std::vector<Quantity> quantities() const override {
    return {
        {"activation_mean", "Mean of the activations that a layer hands on."},
        {"activation_std", "Standard deviation of the activations that a layer hands on."},
        {"activation_kurtosis", "E[(a - mean)^4] / std^4 of these activations; 3 where normal."},
        {"saturated_share", "Share of units and examples with |phi'(z)| < tau."},
        {"dead_share", "Share of units with |phi'(z)| < tau for every example."}};
  }
  ProbeCalls calls(const ProbedRun& /*run*/) const override {
    return {.running_net = true, .examples = examples_};
  }
  std::string undefined(std::size_t quantity, const ProbedRun& run) const override {
    constexpr std::size_t kFirstOfSlopes = 3;
    return quantity < kFirstOfSlopes ? "" : UnitSlopes<double>::undefined(run);
  }
  double memory(const ProbedRun& run) const override {
    if (!UnitSlopes<double>::undefined(run).empty()) return 0;
    double units = 0;
    run.model.layers(run.outputs)
        .for_each(run.input, [&](const LayerKind& kind, const Shape& input) {
          units += static_cast<double>(kind.output(input).values());
        });
    return UnitSlopes<double>::memory(run) + run.value_bytes() * units;
  }
  // Of what a layer keeps for an example about a third is handed on.
  double cost(const ProbedRun& run) const override {
    constexpr double kLooks = 7;
    const auto examples = static_cast<double>(std::min(examples_, run.train_examples));
    const double handed_on = run.model.layers(run.outputs).kept_values(run.input) / 3;
    return run.forward_cost(examples) + kLooks * ProbedRun::look_cost(examples * handed_on);
  }
  template <typename T>
  std::unique_ptr<Probe<T>> make(const ProbedRun& run) const {
    return std::make_unique<ActivationStats<T>>(run, tau_, UnitSlopes<T>::undefined(run).empty());
  }

 private:
  std::size_t examples_;
  double tau_;
};

}  // namespace

ProbeEntry activation_stats() {
  return probe_entry<ActivationStatsKind>({
      .summary = "Mean, deviation and kurtosis of each layer's activations, and the shares of "
                 "saturated and of dead units, over examples of the training set.",
      .formula = "mean a, std a, E[(a - mean)^4] / std^4, share of |phi'(z)| < tau, share of units "
                 "with max over examples of |phi'(z)| < tau",
      .paper = "Glorot & Bengio, Understanding the difficulty of training deep feedforward neural "
               "networks, AISTATS 2010",
  });
}

}  // namespace plumbline::probes
