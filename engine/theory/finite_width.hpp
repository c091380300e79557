// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "engine/activations/activation.hpp"
#include "engine/theory/example_pairs.hpp"

namespace plumbline {

/// 97.5 % of a standard normal: a band of 95 % reaches so many deviations to both sides.
inline constexpr double kBandDeviations = 1.959963984540054;

/// One weight layer of a net in the theory: its weights have variance `weight_variance` (not times
/// fan_in), its biases `bias_variance`, and it has `inputs` inputs.
struct TheoryLayer {
  double inputs = 0;
  double weight_variance = 0;
  double bias_variance = 0;
};

/// The error signal of each weight layer l = 1, ..., L as a multiple of its value at layer L. All three are NaN
/// from the first layer down where lengths or moments above it are 0 or beyond float64, of which no ratios are
/// known, as of activations that grow faster than z and of their lengths.
struct ErrorSignalTheory {
  std::vector<double> rms;  ///< root of the mean square over random nets
  std::vector<double> low;  ///< 2.5 % and 97.5 % quantiles over random nets of these widths
  std::vector<double> high;
};

/// For a net whose hidden layers have one activation, and whose inputs have mean square norm
/// `input_square`, with v_l the weight variance and n_l the width of layer l:
///   q_1 = sigma_b1^2 + v_1 |x|^2,   q_{l+1} = sigma_b^2 + n_l v_{l+1} E[phi(sqrt(q_l) z)^2],
///   chi_l = n_l v_{l+1} E[phi'(sqrt(q_l) z)^2],   E|delta_l|^2 = chi_l E|delta_{l+1}|^2.
/// At finite width, to leading order in 1/n, ln(|delta_l|^2 / |delta_L|^2) is normal with mean
/// sum ln chi - (1/2) sum kappa/n and variance sum kappa/n over the layers between,
/// kappa = 3 E[phi'^4] / E[phi'^2]^2 - 1 (Activation::gain_spread). Known to be too narrow by some 16 %
/// for critical tanh.
///
/// Of a batch, |delta|^2 is the mean over examples, which vary less together than one by itself. For each pair
/// of examples with P = E[|delta_i|^2 |delta_k|^2] and Q = E[(delta_i.delta_k)^2], both over chi^2,
///   P_l = P + ((F - 1) P + 2 F Q) / n,   Q_l = R^2 Q + (F (P + 2 Q) - R^2 Q) / n,
///   F = E[phi'(u1)^2 phi'(u2)^2] / E[phi'^2]^2,   R = E[phi'(u1) phi'(u2)] / E[phi'^2],
/// u1 and u2 of the correlation that the inputs have come to in layer l: exactly so for layers of Gaussian weights
/// that are independent of both passes. In the place of kappa/n stands what the sum of P over `pairs` grows by,
/// which is kappa/n for one example. A batch of an activation that is not element-wise is as one example.
ErrorSignalTheory error_signal_theory(const Activation& activation,
                                      std::span<const TheoryLayer> layers, double input_square,
                                      const std::vector<PairGroup>& pairs = {PairGroup()});

/// Mean and variance of the logarithm of what one layer of Gaussian weights multiplies a squared norm
/// by, over nets, at chi = 1 and exactly at any width n.
struct LogGain {
  double mean = 0;
  double variance = 0;
};

/// Linear layers of variance 1/n: the factor is chi^2_n / n, so the mean is psi(n/2) - ln(n/2) and the
/// variance psi'(n/2).
LogGain linear_log_gain(std::size_t width);

/// ReLU layers of variance 2/n, of the input and of the error signal alike: the factor is
/// (2/n) chi^2_K, K ~ Binomial(n, 1/2). Of layers with a unit that is not dead: K > 0. To leading order
/// the mean is -5 / (2n) and the variance 5 / n.
/// Hanin, NeurIPS 2018, arXiv:1801.03744; Hanin & Nica, 2019, arXiv:1812.05994.
LogGain relu_log_gain(std::size_t width);

}  // namespace plumbline
