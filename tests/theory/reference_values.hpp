// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

namespace plumbline {

/// A row of the project's reference values of mean-field theory (theory.csv of its design, to 9
/// digits): two quadratures, composite 16-point Gauss-Legendre and double-exponential, that share no
/// code with the engine agree on each to 2e-13; the rows of relu, leaky_relu and linear are closed forms. These
/// are all rows whose activation is in the catalogue and whose fixed point is one finite number.
struct MeanFieldReference {
  const char* activation;
  double weight_variance;  ///< sigma_w^2, the weight variance times fan_in
  double bias_variance;    ///< sigma_b^2
  double q_star;
  double chi_1;
};

inline constexpr std::array kMeanFieldReferences = std::to_array<MeanFieldReference>({
    {"elu", 1.5, 0, 0.740075326, 1.03118661},
    {"elu", 1, 0.05, 0.210392655, 0.77336709},
    {"elu", 1.2, 0.05, 0.367320928, 0.882013068},
    {"gelu", 1, 0.05, 0.0694154317, 0.288789561},
    {"gelu", 1.5, 0.05, 0.0876839047, 0.446197386},
    {"gelu", 2, 0.05, 0.124495625, 0.626769442},
    {"leaky_relu", 1, 0.05, 0.100010001, 0.50005},
    {"linear", 0.5, 0.05, 0.1, 0.5},
    {"linear", 0.9, 0.05, 0.5, 0.9},
    {"relu", 0.5, 0, 0, 0.25},
    {"relu", 1, 0, 0, 0.5},
    {"relu", 1, 0.05, 0.1, 0.5},
    {"relu", 1.5, 0.05, 0.2, 0.75},
    {"relu", 1.8, 0.05, 0.5, 0.9},
    {"relu", 1.9, 0.05, 1, 0.95},
    {"selu", 0.9, 0, 0.611635118, 1.05351929},
    {"selu", 1, 0, 1, 1.07157499},
    {"selu", 1.1, 0, 1.55130241, 1.08910762},
    {"selu", 1, 0.05, 1.21335829, 1.03475203},
    {"sigmoid", 1.0 / 3, 0, 0.0850337649, 0.0200078293},
    {"sigmoid", 1, 0, 0.264686875, 0.0557207068},
    {"sigmoid", 4, 0, 1.19691434, 0.171581354},
    {"sigmoid", 10, 0, 3.41418097, 0.308108256},
    {"sigmoid", 16, 0, 5.85540356, 0.398879007},
    {"sigmoid", 25, 0, 9.71125289, 0.501648948},
    {"sigmoid", 1, 0.05, 0.317236213, 0.0546429389},
    {"silu", 1, 0.05, 0.0677535421, 0.26587391},
    {"silu", 1.5, 0.05, 0.0828946011, 0.403732986},
    {"silu", 2, 0.05, 0.10804162, 0.548827394},
    {"tanh", 0.5, 0, 0, 0.5},
    {"tanh", 1.5, 0, 0.286894229, 1.04056757},
    {"tanh", 2.5, 0, 0.973574107, 1.1729704},
    {"tanh", 4, 0, 2.12147357, 1.36267334},
    {"tanh", 0.5, 0.01, 0.0192935736, 0.481907133},
    {"tanh", 1.5, 0.01, 0.317704791, 1.01355695},
    {"tanh", 2.5, 0.01, 0.992159583, 1.16451805},
    {"tanh", 4, 0.01, 2.13639098, 1.35851402},
    {"tanh", 0.8, 0.05, 0.138080278, 0.646838513},
    {"tanh", 1, 0.05, 0.193593, 0.759032},  // from the table of Schoenholz's numbers, to 6 digits
    {"tanh", 1.1, 0.05, 0.229188093, 0.805089367},
    {"tanh", 1.5, 0.05, 0.418037201, 0.938636268},
    {"tanh", 1.76, 0.05, 0.56946284, 0.999796424},
    {"tanh", 2.5, 0.05, 1.06395838, 1.1335157},
    {"tanh", 4, 0.05, 2.19549393, 1.34240241},
    {"tanh", 6.25, 0.09, 4.07912388, 1.58522477},
    {"tanh", 0.5, 0.3, 0.423719901, 0.311629057},
    {"tanh", 1.3, 0.3, 0.743404028, 0.67386893},
    {"tanh", 2, 0.3, 1.13465286, 0.884245203},
    {"tanh", 3, 0.3, 1.80518312, 1.09575106},
});

}  // namespace plumbline
