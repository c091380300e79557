// SPDX-License-Identifier: Apache-2.0
#include <cblas.h>
#include <lapack.h>

#include <algorithm>
#include <mutex>
#include <vector>

#include "engine/core/error.hpp"
#include "engine/initializers/initializer.hpp"

namespace plumbline::initializers {

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

// W = gain Q, where a tall Gaussian matrix is Q R and R's diagonal is made positive: Q is then
// uniform over all matrices with orthonormal columns (Mezzadri, Notices of the AMS 54, 2007). A wide
// W is the transpose of a tall one: its rows are orthonormal.
class Orthogonal final : public Initializer {
 public:
  explicit Orthogonal(Settings& settings)
      : gain_(settings.number("gain", 1, kPositive, "what the orthogonal matrix is scaled by")) {}

  void fill_weights(const ParameterTensor& /*tensor*/, MatrixView<double> weights,
                    Random& random) const override {
    require_safe_openblas();
    const bool wide = weights.rows < weights.cols;
    const std::size_t rows = std::max(weights.rows, weights.cols);
    const std::size_t cols = std::min(weights.rows, weights.cols);
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
        double& weight = wide ? weights(j, i) : weights(i, j);
        weight = gain_ * sign[j] * q[j * rows + i];
      }
    }
  }
  // Each row or column of length max(fan_in, fan_out) has norm gain.
  std::optional<double> weight_variance(std::size_t fan_in, std::size_t fan_out) const override {
    return gain_ * gain_ / static_cast<double>(std::max(fan_in, fan_out));
  }
  bool independent_weights() const override { return false; }

 private:
  static void require_success(lapack_int info) {
    if (info != 0) throw EnvironmentError("LAPACK's QR factorization failed");
  }

  double gain_;
};

}  // namespace

InitializerEntry orthogonal() {
  return initializer_entry<Orthogonal>({
      .summary = "A random orthogonal matrix times a gain: all singular values are equal.",
      .formula = "W = gain Q, W^T W = gain^2 I or W W^T = gain^2 I; b = 0",
      .paper = "Saxe, McClelland & Ganguli, Exact solutions to the nonlinear dynamics of learning "
               "in deep linear neural networks, ICLR 2014, arXiv:1312.6120",
  });
}

}  // namespace plumbline::initializers
