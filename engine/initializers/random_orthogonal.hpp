// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/core/matrix_view.hpp"
#include "engine/core/random.hpp"

namespace plumbline {

/// Fills `q` with a uniformly random matrix of orthonormal columns or, where it is wide, rows. Throws
/// EnvironmentError where the OpenBLAS in use is not safe under threads.
void fill_random_orthogonal(MatrixView<double> q, Random& random);

}  // namespace plumbline
