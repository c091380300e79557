// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/kernels/reduce.hpp"
#include "engine/probes/layer_gradient.hpp"
#include "engine/probes/probe.hpp"

namespace plumbline::probes {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// The least-squares line through (l, ln x_l) over the layers whose x_l is positive and finite.
struct LineOverLayers {
  double slope = kNaN;
  double slope_error = kNaN;  // sqrt(sum of squared residuals / (n - 2) / sum of (l - mean l)^2)

  explicit LineOverLayers(std::span<const double> logarithms, std::size_t first) {
    double n = 0;
    double l_mean = 0;
    double y_mean = 0;
    for_each(logarithms, first, [&](double l, double y) {
      n += 1;
      l_mean += l;
      y_mean += y;
    });
    if (n < 2) return;
    l_mean /= n;
    y_mean /= n;
    double ll = 0;
    double ly = 0;
    for_each(logarithms, first, [&](double l, double y) {
      ll += (l - l_mean) * (l - l_mean);
      ly += (l - l_mean) * (y - y_mean);
    });
    slope = ly / ll;
    if (n < 3) return;
    double squares = 0;
    for_each(logarithms, first, [&](double l, double y) {
      const double residual = (y - y_mean) - slope * (l - l_mean);
      squares += residual * residual;
    });
    slope_error = std::sqrt(squares / (n - 2) / ll);
  }

 private:
  template <class Function>
  static void for_each(std::span<const double> logarithms, std::size_t first,
                       const Function& function) {
    for (std::size_t i = 0; i < logarithms.size(); ++i) {
      if (std::isfinite(logarithms[i])) function(static_cast<double>(first + i), logarithms[i]);
    }
  }
};

// How fast the norms of the gradients, and the error signals, change from layer to layer: the slope s of
// ln x_l over l and its standard error, xi = 1 / (2 s), and ln (x_first / x_last). ln chi of mean-field theory
// is -2 s, so xi is its depth scale xi_grad = -1 / ln chi: negative where signals grow on their way down. Layers whose x is 0 or not finite are left out of the line; x_first
// is that of the first layer that has one, as the first step of an unrolled layer has no gradient_norm.
template <typename T>
class DecayRate final : public Probe<T> {
 public:
  DecayRate(const ProbedRun& run, std::size_t first, std::size_t last)
      : first_(first), last_(last), logarithms_(run.layers), gradient_(run) {}

  void before_update(const Snapshot<T>& at, const Readings& values) override {
    for (std::size_t l = 0; l < at.network.depth(); ++l) {
      const MatrixView<const T> gradient = gradient_.of(at, l);
      logarithms_[l] = gradient.empty() ? kNaN : std::log(norm(gradient));
    }
    write(values, 0);
    for (std::size_t l = 0; l < at.network.depth(); ++l) {
      logarithms_[l] = std::log(error_signal_of(at, l));
    }
    write(values, 4);
  }

 private:
  void write(const Readings& values, std::size_t quantity) const {
    const std::size_t last = last_ == 0 ? logarithms_.size() : std::min(last_, logarithms_.size());
    const std::size_t first = std::min(first_, last);
    const std::span<const double> fitted =
        std::span(logarithms_).subspan(first - 1, last - first + 1);
    const LineOverLayers line(fitted, first);
    values[quantity][0] = line.slope;
    values[quantity + 1][0] = line.slope_error;
    values[quantity + 2][0] = 1 / (2 * line.slope);
    const auto first_defined =
        std::ranges::find_if(fitted, [](double logarithm) { return !std::isnan(logarithm); });
    values[quantity + 3][0] = first_defined == fitted.end() ? kNaN : *first_defined - fitted.back();
  }

  std::size_t first_;
  std::size_t last_;
  std::vector<double> logarithms_;
  LayerGradient<T> gradient_;
};

class DecayRateKind final : public ProbeKindOf<DecayRateKind> {
 public:
  explicit DecayRateKind(Settings& settings)
      : first_(static_cast<std::size_t>(
            settings.integer("first_layer", 1, between(1, 1e6), "the first layer of the line"))),
        last_(static_cast<std::size_t>(settings.integer(
            "last_layer", 0, between(0, 1e6), "the last layer of the line; 0: the net's last"))) {}

  std::vector<Quantity> quantities() const override {
    std::vector<Quantity> all;
    for (const std::string of : {"gradient_norm", "error_signal"}) {
      all.push_back({of + "_slope", "Slope of ln " + of + " over the layers, by least squares.",
                     "1", QuantityAxis::none});
      all.push_back(
          {of + "_slope_error", "Standard error of " + of + "_slope.", "1", QuantityAxis::none});
      all.push_back({of + "_xi",
                     "1 / (2 " + of +
                         "_slope): the depth scale xi_grad in layers, negative where it "
                         "grows towards the input.",
                     "1", QuantityAxis::none});
      all.push_back({of + "_log_ratio",
                     "Natural logarithm of the ratio of " + of + " of the first layer to the last.",
                     "1", QuantityAxis::none});
    }
    return all;
  }
  ProbeCalls calls(const ProbedRun& /*run*/) const override { return {.before_update = true}; }
  std::string undefined(std::size_t /*quantity*/, const ProbedRun& run) const override {
    const std::size_t last = last_ == 0 ? run.layers : std::min(last_, run.layers);
    return last > first_ ? "" : "a line needs two layers";
  }
  double memory(const ProbedRun& run) const override { return LayerGradient<double>::memory(run); }
  double cost(const ProbedRun& run) const override {
    return run.look_cost() + LayerGradient<double>::cost(run);
  }
  template <typename T>
  std::unique_ptr<Probe<T>> make(const ProbedRun& run) const {
    return std::make_unique<DecayRate<T>>(run, first_, last_);
  }

 private:
  std::size_t first_;
  std::size_t last_;
};

}  // namespace

ProbeEntry decay_rate() {
  return probe_entry<DecayRateKind>({
      .summary = "How fast gradient norms and error signals decay over the layers: slope, its "
                 "standard error, depth scale, and ratio of the first layer to the last.",
      .formula = "slope s of ln x_l over l; xi = 1 / (2 s); ln(x_first / x_last)",
      .paper = "Schoenholz, Gilmer, Ganguli & Sohl-Dickstein, Deep information propagation, ICLR "
               "2017, arXiv:1611.01232",
  });
}

}  // namespace plumbline::probes
