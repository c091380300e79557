// SPDX-License-Identifier: Apache-2.0
#include "engine/initializers/random_orthogonal.hpp"

#include <algorithm>
#include <vector>

#include "engine/core/lapack.hpp"

namespace plumbline {

// A tall Gaussian matrix is Q R; with R's diagonal made positive Q is uniform over all matrices with
// orthonormal columns (Mezzadri, Notices of the AMS 54, 2007). A wide one is the transpose.
void fill_random_orthogonal(MatrixView<double> result, Random& random) {
  const bool wide = result.rows < result.cols;
  const std::size_t length = std::max(result.rows, result.cols);
  const std::size_t count = std::min(result.rows, result.cols);
  std::vector<double> rows(count * length);
  for (double& value : rows) value = random.normal();
  const MatrixView<double> q{rows.data(), count, length, length};
  orthonormalize_rows(q);
  for (std::size_t k = 0; k < count; ++k) {
    for (std::size_t i = 0; i < length; ++i) (wide ? result(k, i) : result(i, k)) = q(k, i);
  }
}

}  // namespace plumbline
