// SPDX-License-Identifier: Apache-2.0
#include "engine/theory/diagnosis.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

#include "engine/theory/finite_width.hpp"

namespace plumbline {

namespace {

struct Remark {
  Finding finding;
  std::string sentence;
};

/// Two significant digits.
std::string shortened(double value) {
  std::array<char, 32> text{};
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::general, 2);
  return {text.data(), end.ptr};
}

std::string layer_text(std::size_t index) { return "layer " + std::to_string(index + 1); }

std::string count(double whole) { return std::to_string(std::lround(whole)); }

std::string percent(double share) { return std::to_string(std::lround(100 * share)) + " %"; }

/// The lowest layer from which on all layers above, and it, carry a signal that is not lost.
std::size_t lowest_intact(const InitialState& state) {
  std::size_t lowest = state.error_signal.size();
  while (lowest > 0) {
    const double signal = state.error_signal[lowest - 1];
    if (!std::isfinite(signal) || signal == 0 || state.lost[lowest - 1] > kLostShare) break;
    --lowest;
  }
  return lowest;
}

Remark loss_of_signal(const InitialState& state, std::size_t lowest, std::string_view precision,
                      double least_normal) {
  const std::size_t below = lowest - 1;
  const std::string from = "from " + layer_text(below) + " down";
  if (!std::isfinite(state.error_signal[below])) {
    return {Finding::lost_to_overflow,
            from + " the error signal is beyond " + std::string(precision)};
  }
  const bool is_last = lowest == state.error_signal.size();
  // To be zero by underflow, a signal above this would have to fall by more in one layer.
  const double small = std::sqrt(least_normal);
  const bool is_zero = state.error_signal[below] == 0;
  if (is_zero && is_last) return {Finding::cut_off, "the loss has no gradient in the first batch"};
  if (is_zero && state.error_signal[lowest] > small) {
    return {Finding::cut_off, from + " the error signal is zero: weights or slopes above are"};
  }
  return {Finding::lost_to_underflow, from + " the error signal is below what " +
                                          std::string(precision) +
                                          " holds; a float64 run tells how small it is"};
}

/// The first layer whose inputs left the range of the precision on the way up, from inputs within it; depth
/// where none did. Inputs that are zero at once are the work of zero weights.
std::size_t first_lost_input(const InitialState& state, double least_normal) {
  const auto is_lost = [&](double input) { return input < least_normal || std::isinf(input); };
  const std::size_t depth = state.input.size();
  const auto first =
      static_cast<std::size_t>(std::ranges::find_if(state.input, is_lost) - state.input.begin());
  if (first == 0 || first == depth) return depth;
  const bool is_at_once = state.input[first - 1] > std::sqrt(least_normal);
  return state.input[first] < least_normal && is_at_once ? depth : first;
}

Remark loss_of_inputs(const InitialState& state, std::size_t first, std::string_view precision) {
  const bool is_large = std::isinf(state.input[first]);
  return {is_large ? Finding::lost_to_overflow : Finding::lost_to_underflow,
          "from " + layer_text(first) + " up activations are " +
              (is_large ? "beyond " + std::string(precision)
                        : "below what " + std::string(precision) + " holds") +
              ", so that nothing is known of what comes back; a float64 run tells more"};
}

bool vanishes(double log_ratio, double layers) {
  return log_ratio < std::log(kVanishingRatio) ||
         (layers >= 2 && log_ratio < layers * std::log(kVanishingFactor));
}

/// How the signal of layer `lowest` stands to that of the last.
Remark decay(const InitialState& state, const PredictedErrorSignal& predicted,
             std::string_view no_theory, std::size_t lowest) {
  const std::size_t last = state.error_signal.size() - 1;
  if (lowest == last)
    return {Finding::healthy, "there is no layer below the last to compare it with"};
  const auto layers = static_cast<double>(last - lowest);
  const double signal = state.error_signal[lowest];
  const double log_ratio = std::log(signal / state.error_signal[last]);
  const double log_theory = std::log(predicted.rms[lowest] / predicted.rms[last]);
  const bool has_theory = std::isfinite(log_theory);
  const bool has_band = has_theory && predicted.low[lowest] < predicted.high[lowest];
  const bool inside =
      has_band && predicted.low[lowest] <= signal && signal <= predicted.high[lowest];

  const double log_low = std::log(predicted.low[lowest] / predicted.rms[last]);
  const double log_high = std::log(predicted.high[lowest] / predicted.rms[last]);
  // Then it is no prediction: nets that vanish and nets that explode are both in it.
  const bool says_nothing = has_band && vanishes(log_low, layers) && vanishes(-log_high, layers);

  const bool down = vanishes(log_ratio, layers);
  const bool up = vanishes(-log_ratio, layers);
  const bool expected = has_theory && vanishes(down ? log_theory : -log_theory, layers);
  const bool close = std::abs(log_ratio - log_theory) <= kLogTolerance * std::abs(log_theory);

  std::string sentence = layer_text(lowest) + " has " + shortened(std::exp(log_ratio)) +
                         " of the last layer's error signal";
  const auto factor = [&](double log) { return shortened(std::exp(log / layers)) + " a layer"; };
  if (layers >= 2) sentence += ", " + factor(log_ratio);
  if (has_theory) {
    sentence += "; predicted " + shortened(std::exp(log_theory));
    if (layers >= 2) sentence += ", " + factor(log_theory);
    if (has_band) {
      sentence += (inside ? ", inside" : ", outside") + std::string(" the 95 % band of nets, ") +
                  shortened(std::exp(log_low)) + " to " + shortened(std::exp(log_high));
      if (says_nothing) {
        sentence += ", so wide that nets that vanish and nets that explode are in it";
      } else if (!inside && expected && close) {
        sentence += ", by less than " + percent(kLogTolerance) + " of the logarithm";
      }
    }
  } else {
    sentence += "; no prediction: ";
    sentence += no_theory.empty() ? "its numbers leave the range of float64" : no_theory;
  }

  if (!down && !up) return {Finding::healthy, std::move(sentence)};
  const bool is_open = inside && says_nothing && !(expected && close);
  if (!has_theory || is_open) {
    return {down ? Finding::vanishing_without_theory : Finding::exploding_without_theory,
            std::move(sentence)};
  }
  if (inside || (expected && close)) {
    return {down ? Finding::vanishing_as_predicted : Finding::exploding_as_predicted,
            std::move(sentence)};
  }
  if (expected) {
    return {down ? Finding::vanishing_otherwise : Finding::exploding_otherwise,
            std::move(sentence)};
  }
  sentence += "; look at the data, its normalization and the biases";
  return {down ? Finding::vanishing_against_theory : Finding::exploding_against_theory,
          std::move(sentence)};
}

void add_saturation(const InitialState& state, std::vector<Remark>& remarks) {
  std::size_t worst = 0;
  double most = kSaturatedShare;
  std::size_t layers = 0;
  for (std::size_t l = 0; l < state.saturated.size(); ++l) {
    if (!(state.saturated[l] > kSaturatedShare)) continue;
    ++layers;
    if (state.saturated[l] > most) most = state.saturated[worst = l];
  }
  if (layers == 0) return;
  remarks.push_back(
      {Finding::saturated, "in " + std::to_string(layers) + (layers == 1 ? " layer" : " layers") +
                               ", most in " + layer_text(worst) + ", where " + percent(most) +
                               " of the slopes are below " + percent(kSaturatedSlope) +
                               " of the activation's largest"});
}

void add_dead_units(const InitialState& state, std::vector<Remark>& remarks) {
  std::size_t worst = 0;
  double most = 0;
  std::size_t layers = 0;
  for (std::size_t l = 0; l < state.silent.size(); ++l) {
    const double excess = state.silent[l] - state.active[l];
    const double chance = std::sqrt(state.silent[l] + state.active[l]);
    if (!(excess > kDeadShare * state.units[l]) || !(excess > kDeadDeviations * chance)) continue;
    ++layers;
    if (excess / state.units[l] > most) most = excess / state.units[worst = l];
  }
  if (layers == 0) return;
  remarks.push_back(
      {Finding::dead_units,
       "in " + std::to_string(layers) + (layers == 1 ? " layer" : " layers") + ", most in " +
           layer_text(worst) + ", where " + count(state.silent[worst]) + " of " +
           count(state.units[worst]) +
           " units have slope zero for every example of the first batch and " +
           count(state.active[worst]) +
           " for none; chance alone makes about as many of one kind as of the other"});
}

}  // namespace

std::string_view to_string(Finding finding) {
  switch (finding) {
    case Finding::lost_to_overflow:
      return "numerically lost (overflow)";
    case Finding::lost_to_underflow:
      return "numerically lost (underflow)";
    case Finding::cut_off:
      return "cut off";
    case Finding::vanishing_against_theory:
      return "vanishing although theory says it should not";
    case Finding::exploding_against_theory:
      return "exploding although theory says it should not";
    case Finding::saturated:
      return "saturated";
    case Finding::dead_units:
      return "dead units";
    case Finding::vanishing_otherwise:
      return "vanishing, but not as predicted";
    case Finding::exploding_otherwise:
      return "exploding, but not as predicted";
    case Finding::vanishing_without_theory:
      return "vanishing";
    case Finding::exploding_without_theory:
      return "exploding";
    case Finding::vanishing_as_predicted:
      return "vanishing as predicted";
    case Finding::exploding_as_predicted:
      return "exploding as predicted";
    case Finding::healthy:
      break;
  }
  return "healthy";
}

Diagnosis diagnose(const InitialState& state, const PredictedErrorSignal& predicted,
                   std::string_view no_theory, std::string_view precision, double least_normal) {
  std::vector<Remark> remarks;
  const std::size_t lost_input = first_lost_input(state, least_normal);
  if (lost_input < state.input.size()) {
    const Remark lost = loss_of_inputs(state, lost_input, precision);
    return {{lost.finding}, std::string(to_string(lost.finding)) + ": " + lost.sentence};
  }
  const std::size_t lowest = lowest_intact(state);
  if (lowest > 0) remarks.push_back(loss_of_signal(state, lowest, precision, least_normal));
  add_saturation(state, remarks);
  add_dead_units(state, remarks);
  if (lowest < state.error_signal.size()) {
    Remark of_decay = decay(state, predicted, no_theory, lowest);
    // A layer that is lost, saturated or dead makes no healthy net, whatever the others pass back.
    if (of_decay.finding != Finding::healthy || remarks.empty()) {
      remarks.push_back(std::move(of_decay));
    }
  }
  std::ranges::stable_sort(remarks, {}, &Remark::finding);
  Diagnosis diagnosis;
  for (const Remark& remark : remarks) {
    diagnosis.text += diagnosis.text.empty() ? "" : ". Also ";
    diagnosis.text += std::string(to_string(remark.finding)) + ": " + remark.sentence;
    diagnosis.findings.push_back(remark.finding);
  }
  return diagnosis;
}

std::string_view chief_finding(std::string_view text) { return text.substr(0, text.find(':')); }

std::vector<double> deviations(std::span<const double> error_signal,
                               const PredictedErrorSignal& predicted) {
  std::vector<double> z(error_signal.size(), std::numeric_limits<double>::quiet_NaN());
  for (std::size_t l = 0; l < z.size(); ++l) {
    const double low = std::log(predicted.low[l]);
    const double high = std::log(predicted.high[l]);
    const double sd = (high - low) / kBandDeviations;
    if (sd > 0) z[l] = (2 * std::log(error_signal[l]) - (low + high)) / sd;
  }
  return z;
}

}  // namespace plumbline
