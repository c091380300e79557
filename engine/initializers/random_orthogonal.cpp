// SPDX-License-Identifier: Apache-2.0
#include "engine/initializers/random_orthogonal.hpp"

#include <cblas.h>
#include <lapack.h>

#include <algorithm>
#include <mutex>
#include <vector>

#include "engine/core/error.hpp"

namespace plumbline {

namespace {

// Debian's serial build of OpenBLAS gives wrong results when several threads call it at once, and
// the system's alternatives can put it in the place of the one we were linked against. The others
// are right when each call stays on its own thread.
void require_safe_openblas() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (openblas_get_parallel() == 0) {
      throw EnvironmentError(
          "the OpenBLAS in use is the serial build, which is wrong under threads; install "
          "libopenblas0-pthread and select it with update-alternatives");
    }
    openblas_set_num_threads(1);
  });
}

void require_success(lapack_int info) {
  if (info != 0) throw EnvironmentError("LAPACK's QR factorization failed");
}

}  // namespace

// A tall Gaussian matrix is Q R; with R's diagonal made positive Q is uniform over all matrices with
// orthonormal columns (Mezzadri, Notices of the AMS 54, 2007). A wide one is the transpose.
void fill_random_orthogonal(MatrixView<double> result, Random& random) {
  require_safe_openblas();
  const bool wide = result.rows < result.cols;
  const std::size_t rows = std::max(result.rows, result.cols);
  const std::size_t cols = std::min(result.rows, result.cols);
  std::vector<double> q(rows * cols);
  for (double& value : q) value = random.normal();

  const auto m = static_cast<lapack_int>(rows);
  const auto n = static_cast<lapack_int>(cols);
  std::vector<double> tau(cols);
  std::vector<double> work(64 * cols);  // 64 columns at once is more than any OpenBLAS uses
  const auto work_size = static_cast<lapack_int>(work.size());
  lapack_int info = 0;
  LAPACK_dgeqrf(&m, &n, q.data(), &m, tau.data(), work.data(), &work_size, &info);
  require_success(info);
  std::vector<double> sign(cols);
  for (std::size_t j = 0; j < cols; ++j) sign[j] = q[j * rows + j] < 0 ? -1 : 1;
  LAPACK_dorgqr(&m, &n, &n, q.data(), &m, tau.data(), work.data(), &work_size, &info);
  require_success(info);

  for (std::size_t j = 0; j < cols; ++j) {
    for (std::size_t i = 0; i < rows; ++i) {
      double& entry = wide ? result(j, i) : result(i, j);
      entry = sign[j] * q[j * rows + i];
    }
  }
}

}  // namespace plumbline
