// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "engine/core/phase_clock.hpp"
#include "engine/training/run_configuration.hpp"

namespace plumbline {

/// The least that a phase must do in a step.
struct PhaseWork {
  Phase phase = Phase::other;
  std::size_t layer = 0;  ///< 0: of the whole net
  double flops = 0;
  double bytes = 0;  ///< that it reads and writes, each block once
  double bytes_beyond_l2 =
      0;  ///< of them, those that L2 cannot hold from their last use to this one

  bool operator==(const PhaseWork&) const = default;
};

/// The work of one training step, with its phases in their order, and of one evaluation.
struct StepWork {
  std::vector<PhaseWork> phases;
  PhaseWork evaluation;
  double working_set = 0;  ///< bytes of all that a step touches, but for the training set
};

/// Counts it, for a batch of B examples, a layer of U units and O outputs with W weights, and an
/// optimizer that keeps S values:
///   forward     flops 2 B W + B U: a multiply-add for each weight, one operation for an activation.
///               Reads inputs and parameters, writes pre-activations and outputs.
///   loss        flops 2 B O: one for the loss and one for its slope. Reads outputs, writes slopes.
///   backward    flops 4 B W + 3 B U, of layer 1 2 B W + 3 B U: weight gradient and slope in the
///               inputs; the activation's slope, its product with the slope from above, the bias's sum.
///               A recurrent layer 1 has the slopes in its own state too, 2 B for each of their weights
///               and step but the first.
///               Reads inputs, pre-activations, outputs and error signal; writes error signal and
///               gradients; but for layer 1, reads parameters and writes the error signal below.
///   optimizer   flops 2 (parameters + S): a multiply-add for each value that it writes. Reads
///               gradients, reads and writes parameters and state. Passes over the batch that some
///               rules ask for, products of matrices and roots are not counted.
///   data        flops 0. Reads float32 rows of the training set, writes the batch.
///   evaluation  forward and data of all training and validation examples.
/// Probes are not counted.
///
/// Bytes are beyond L2 where all blocks that were touched since the last use of a block, it included,
/// take more than `l2_bytes`: so many distinct bytes lie between, which is what a cache that drops what
/// was used longest ago cannot hold. A block is what one layer has of parameters, gradient, optimizer
/// state, pre-activations, outputs or error signal. Rows of the training set are beyond where the set and
/// the working set together take more.
StepWork step_work(const RunConfiguration& run, std::size_t optimizer_state, double l2_bytes);

}  // namespace plumbline
