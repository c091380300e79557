// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include "engine/core/matrix_view.hpp"

namespace plumbline {

/// Euclidean norm, accumulated in double by PartialSums: the tree depends on the length alone. Right
/// over the whole range of T: where the squares would underflow or overflow, the values are scaled
/// by a power of two first. NaN or infinity in `values` gives NaN or infinity.
double norm(std::span<const float> values);
double norm(std::span<const double> values);

/// The same over all elements of a matrix (Frobenius), row by row: the tree depends on rows and columns.
double norm(MatrixView<const float> matrix);
double norm(MatrixView<const double> matrix);

/// sums[j] = scale * sum_i matrix(i, j), rows added in rising order.
void column_sums(MatrixView<const float> matrix, float scale, std::span<float> sums);
void column_sums(MatrixView<const double> matrix, double scale, std::span<double> sums);

/// Whether no value is NaN or infinite.
bool all_finite(std::span<const float> values);
bool all_finite(std::span<const double> values);

}  // namespace plumbline
