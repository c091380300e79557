// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace plumbline {

/// What a net shows in its first batch before the first update, for each weight layer, input side first.
struct InitialState {
  std::vector<double> error_signal;  ///< root of the batch mean of |dL_i/dz_l|^2
  /// Of the entries of the error signal that are not zero, the share that is subnormal; 1 where all are
  /// zero. Exact zeros beside others do not count: half of a relu layer's are, as they should be.
  std::vector<double> lost;
  /// Of the hidden layers' slopes phi'(z), the share below kSaturatedSlope times the largest that phi has;
  /// NaN where phi does not flatten at both ends, as relu and gelu do not, or the slopes are not known.
  std::vector<double> saturated;
  std::vector<double> units;   ///< of the layer; NaN for these three where slopes are not known
  std::vector<double> silent;  ///< units whose slope is zero for every example
  std::vector<double> active;  ///< units whose slope is zero for no example
  /// The largest |a| of what goes into the layer; NaN of an unrolled one, whose first state is zero.
  std::vector<double> input;
};

/// The theory of this net's error signal, scaled to the measured last layer; each NaN where there is none.
struct PredictedErrorSignal {
  std::span<const double> rms;
  std::span<const double> low;  ///< edges of the 95 % band
  std::span<const double> high;
};

/// The thresholds. All are ratios within one run, so that the scale of data, loss and units does not matter.
///
/// A signal vanishes over n layers where it falls below this share of the last layer's, or by more than
/// kVanishingFactor a layer over two layers or more; it explodes where it grows by the inverse of either.
inline constexpr double kVanishingRatio = 0.01;
inline constexpr double kVanishingFactor = 0.5;
/// "As predicted" is inside the band, unless it reaches from nets that vanish to nets that explode. Elsewhere:
/// theory sees it vanish (explode) too, and the logarithm of the ratio differs from the predicted one by at
/// most this share of it.
inline constexpr double kLogTolerance = 0.1;
/// A layer's error signal is lost where it is zero, not finite, or `lost` exceeds this.
inline constexpr double kLostShare = 0.5;
/// A layer is saturated where more than this share of its slopes is below so much of the largest.
inline constexpr double kSaturatedShare = 0.5;
inline constexpr double kSaturatedSlope = 0.01;
/// Chance alone silences relu units: 2^-B of them for B independent examples, up to half for examples that
/// deep layers cannot tell apart. But weights are as likely as their negatives, so of the units whose slope
/// does not change over the batch, chance makes as many active as silent, whatever the correlation. A layer
/// has dead units where silent ones outnumber active ones by more than this share of all units, and by
/// more standard deviations of that coin, sqrt(silent + active), than kDeadDeviations.
inline constexpr double kDeadShare = 0.1;
inline constexpr double kDeadDeviations = 4;

/// In order of severity, the worst first.
enum class Finding {
  lost_to_overflow,
  lost_to_underflow,
  cut_off,  ///< zero at once, where the layer above is far from underflow
  vanishing_against_theory,
  exploding_against_theory,
  saturated,
  dead_units,
  vanishing_otherwise,  ///< theory sees it vanish too, by another factor
  exploding_otherwise,
  vanishing_without_theory,
  exploding_without_theory,
  vanishing_as_predicted,
  exploding_as_predicted,
  healthy
};

/// "vanishing as predicted".
std::string_view to_string(Finding finding);

/// What holds of a run, the worst first, and that in words:
///   "FINDING: one sentence. Also FINDING: one sentence."
struct Diagnosis {
  std::vector<Finding> findings;
  std::string text;
};

/// `precision` ("float32") is that of the run; `least_normal` its least normal number. `no_theory` says why there is no
/// prediction, where there is none: "batch_norm".
Diagnosis diagnose(const InitialState& state, const PredictedErrorSignal& predicted,
                   std::string_view no_theory, std::string_view precision, double least_normal);

/// The finding that a text begins with.
std::string_view chief_finding(std::string_view text);

/// For each layer (ln |delta|^2 - mean) / sd, where the band says that ln |delta|^2 is normal with this mean
/// and this standard deviation: its edges are exp((mean -+ 1.96 sd) / 2). NaN where there is no band, as in the last
/// layer, to which it is scaled.
std::vector<double> deviations(std::span<const double> error_signal,
                               const PredictedErrorSignal& predicted);

}  // namespace plumbline
