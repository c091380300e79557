// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "engine/core/matrix_view.hpp"

namespace plumbline {

/// Pairs (i, k) of a batch's examples, i = k included, whose inputs have about the same correlation. With
/// delta_i the error signal of example i in the last layer:
struct PairGroup {
  double correlation = 1;  ///< x_i.x_k / (|x_i| |x_k|), in the mean over the group
  /// Sums over the group of |delta_i|^2 |delta_k|^2 and (delta_i.delta_k)^2, over all pairs' sum of the former.
  double product = 1;
  double alignment = 1;
};

/// A batch as groups of pairs: the first one has the examples with themselves, four more the others, by the
/// correlation of their inputs. Of 24 examples, evenly spaced, where the batch has more. Where the error
/// signals are all zero or not finite, as though there were one example.
template <typename T>
std::vector<PairGroup> pair_groups(MatrixView<const T> inputs, MatrixView<const T> error_signal);

extern template std::vector<PairGroup> pair_groups(MatrixView<const float>,
                                                   MatrixView<const float>);
extern template std::vector<PairGroup> pair_groups(MatrixView<const double>,
                                                   MatrixView<const double>);

}  // namespace plumbline
