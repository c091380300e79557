// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "engine/core/lapack.hpp"
#include "engine/kernels/dense_matrix.hpp"
#include "engine/kernels/reduce.hpp"
#include "engine/optimizers/optimizer.hpp"

namespace plumbline::optimizers {

namespace {

using Matrix = DenseMatrix<double>;

constexpr const char* kMatrices =
    "G' = Q_L^T G Q_R; V of G'^2; w <- w - lr (Q_L (Q_L^T M_hat Q_R / (sqrt(V_hat) + epsilon)) "
    "Q_R^T + "
    "weight_decay w); Q_L, Q_R: eigenvectors of decayed means of G G^T, G^T G; the first step "
    "makes "
    "them and moves nothing";
constexpr const char* kVectors =
    "m <- beta1 m + (1 - beta1) g; v <- beta2 v + (1 - beta2) g^2; w <- w - lr ((m / (1 - "
    "beta1^t)) / "
    "(sqrt(v / (1 - beta2^t)) + epsilon) + weight_decay w)";

// SOAP, Algorithm 3 of the paper: Adam in the eigenbasis of Shampoo's preconditioners. With rows of
// Q_L and Q_R the eigenvectors, G' = Q_L G Q_R^T, and
//   M <- beta1 M + (1 - beta1) G;  M' = Q_L M Q_R^T;  V <- beta2 V + (1 - beta2) G'^2
//   N' = M_hat' / (sqrt(V_hat) + epsilon);  w <- w - lr (Q_L^T N' Q_R + weight_decay w)
//   L <- s L + (1 - s) G G^T;  R <- s R + (1 - s) G^T G,  s = shampoo_beta (the paper's beta2)
// and every f steps one power iteration with QR for each basis (Algorithm 4). The first step makes L,
// R and the bases from its gradient, and moves no matrix; t of the hats and of f counts from there.
// V is not turned when the bases turn. Vectors, with one row or column, go by plain AdamW from the
// first step on. In double throughout. epsilon stands outside the root, as in Adam; the paper's listing
// has it inside.
template <typename T>
class Soap final : public Optimizer<T> {
 public:
  Soap(Settings& settings, const ParameterLayout& layout)
      : lr_(settings.number("lr", 3e-3, kPositive, "learning rate")),
        beta1_(settings.number("beta1", 0.95, kDecay, "decay rate of the mean of gradients")),
        beta2_(settings.number("beta2", 0.95, kDecay, "decay rate of the mean of squares")),
        epsilon_(settings.number("epsilon", 1e-8, kPositive, "keeps the quotient finite")),
        shampoo_beta_(settings.number("shampoo_beta", 0.95, kDecay, "decay rate of L and R")),
        weight_decay_(settings.number("weight_decay", 0, kNonNegative, "decay, times lr")),
        precondition_every_(
            settings.integer("precondition_every", 10, at_least(1), "f, steps between new bases")) {
    for (const ParameterTensor& tensor : layout.tensors()) {
      const std::size_t m = tensor.rows;
      const std::size_t n = tensor.cols;
      Part part{tensor, Matrix(m, n), Matrix(m, n), {}, {}, {}, {}};
      if (is_matrix(tensor)) {
        part.left = part.left_basis = Matrix(m, m);
        part.right = part.right_basis = Matrix(n, n);
      }
      parts_.push_back(part);
    }
  }

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    const double lr = lr_ * context.schedule_factor;
    for (Part& part : parts_) {
      const auto w = parameters.subspan(part.tensor.offset, part.tensor.size());
      Matrix g(part.tensor.rows, part.tensor.cols);
      std::ranges::copy(gradient.subspan(part.tensor.offset, w.size()), g.values().begin());
      if (part.is_vector()) {
        move(w, adam(part, g, context.step), lr);
      } else if (context.step == 1) {
        average(part, g);
        const std::size_t rank = std::min(g.rows(), g.cols());
        first_basis(part.left, rank, part.left_basis);
        first_basis(part.right, rank, part.right_basis);
        // NaN shall be seen at once.
        if (std::isnan(part.left_basis.values()[0])) move(w, g, lr);
      } else {
        move(w, rotated_adam(part, g, context.step - 1), lr);
        average(part, g);
        if ((context.step - 1) % precondition_every_ == 0) {
          next_basis(part.left, part.left_basis);
          next_basis(part.right, part.right_basis);
        }
      }
    }
  }
  std::vector<UpdateRule> rules(const ParameterTensor& tensor) const override {
    return {is_matrix(tensor) ? this->rule_with(kMatrices) : this->rule_with(kVectors, "AdamW")};
  }
  void archive(StateArchive& kept) override {
    for (Part& part : parts_) {
      for (Matrix* matrix :
           {&part.m, &part.v, &part.left, &part.right, &part.left_basis, &part.right_basis}) {
        kept(matrix->values());
      }
    }
  }
  std::size_t state_size() const override {
    std::size_t size = 0;
    for (const Part& part : parts_) {
      size += 2 * (part.m.values().size() + part.left.values().size() + part.right.values().size());
    }
    return size * sizeof(double) / sizeof(T);
  }
  std::size_t state_size_over(const ParameterLayout& layout) const override {
    std::size_t size = 2 * layout.size();
    for (const ParameterTensor& tensor : layout.tensors()) {
      if (!is_matrix(tensor)) continue;
      size += 2 * (tensor.rows * tensor.rows + tensor.cols * tensor.cols);
    }
    return size * sizeof(double) / sizeof(T);
  }

 private:
  static bool is_matrix(const ParameterTensor& tensor) {
    return tensor.rows > 1 && tensor.cols > 1;
  }

  struct Part {
    ParameterTensor tensor;
    Matrix m;
    Matrix v;
    Matrix left;
    Matrix right;
    Matrix left_basis;
    Matrix right_basis;

    bool is_vector() const { return left.empty(); }
  };

  void move(std::span<T> w, const Matrix& direction, double lr) const {
    for (std::size_t i = 0; i < w.size(); ++i) {
      const auto old = static_cast<double>(w[i]);
      w[i] = static_cast<T>(old - lr * (direction.values()[i] + weight_decay_ * old));
    }
  }

  static void mix(double decay, std::span<const double> news, std::span<double> mean) {
    for (std::size_t i = 0; i < mean.size(); ++i) mean[i] = decay * mean[i] + (1 - decay) * news[i];
  }

  // m_hat / (sqrt(v_hat) + epsilon) from m and g in the space of v, where v takes in g.
  Matrix quotient(Part& part, const Matrix& m, const Matrix& g, std::int64_t t) const {
    const double correction1 = 1 - std::pow(beta1_, static_cast<double>(t));
    const double correction2 = 1 - std::pow(beta2_, static_cast<double>(t));
    Matrix result(g.rows(), g.cols());
    const std::span<double> v = part.v.values();
    for (std::size_t i = 0; i < v.size(); ++i) {
      v[i] = beta2_ * v[i] + (1 - beta2_) * g.values()[i] * g.values()[i];
      result.values()[i] = m.values()[i] / correction1 / (std::sqrt(v[i] / correction2) + epsilon_);
    }
    return result;
  }

  Matrix adam(Part& part, const Matrix& g, std::int64_t t) const {
    mix(beta1_, g.values(), part.m.values());
    return quotient(part, part.m, g, t);
  }

  Matrix rotated_adam(Part& part, const Matrix& g, std::int64_t t) const {
    mix(beta1_, g.values(), part.m.values());
    const auto rotated = [&part](const Matrix& a) {
      const Matrix left = product(as_is(part.left_basis), as_is(a));
      return product(as_is(left), transposed(part.right_basis));
    };
    const Matrix n = quotient(part, rotated(part.m), rotated(g), t);
    const Matrix left = product(transposed(part.left_basis), as_is(n));
    return product(as_is(left), as_is(part.right_basis));
  }

  void average(Part& part, const Matrix& g) const {
    mix(shampoo_beta_, product(as_is(g), transposed(g)).values(), part.left.values());
    mix(shampoo_beta_, product(transposed(g), as_is(g)).values(), part.right.values());
  }

  // Eigenvectors of one gradient's Gram matrix, of at most this rank.
  static void first_basis(const Matrix& statistics, std::size_t rank, Matrix& basis) {
    std::vector<double> eigenvalues(statistics.rows());
    symmetric_eigen(statistics.view(), eigenvalues, basis.view());
    // Falling, so that QR, which works from the first row on, takes the largest first.
    for (std::size_t i = 0, j = basis.rows() - 1; i < j; ++i, --j) {
      std::swap_ranges(basis.view().row(i), basis.view().row(i) + basis.cols(),
                       basis.view().row(j));
    }
    complete(basis.view(), rank);
  }

  // Rows from `first` on: what belongs to eigenvalue 0 is free, and would be rounding. Made from the
  // coordinate vector that is farthest from the rows before, so that it is the same on each machine.
  static void complete(MatrixView<double> basis, std::size_t first) {
    const std::size_t n = basis.cols;
    for (std::size_t k = first; k < basis.rows; ++k) {
      std::vector<double> covered(n);
      for (std::size_t i = 0; i < k; ++i) {
        for (std::size_t j = 0; j < n; ++j) covered[j] += basis(i, j) * basis(i, j);
      }
      const auto farthest =
          static_cast<std::size_t>(std::ranges::min_element(covered) - covered.begin());
      double* row = basis.row(k);
      std::fill_n(row, n, 0.0);
      row[farthest] = 1;
      // Twice is enough (Kahan, in Parlett, The symmetric eigenvalue problem, 1980).
      for (int pass = 0; pass < 2; ++pass) {
        for (std::size_t i = 0; i < k; ++i) {
          const double share = std::inner_product(row, row + n, basis.row(i), 0.0);
          for (std::size_t j = 0; j < n; ++j) row[j] -= share * basis(i, j);
        }
      }
      const double length = norm(std::span<const double>(row, n));
      for (std::size_t j = 0; j < n; ++j) row[j] /= length;
    }
  }

  // Rows of the basis times the statistics, which are symmetric, made orthonormal again.
  static void next_basis(const Matrix& statistics, Matrix& basis) {
    basis = product(as_is(basis), as_is(statistics));
    orthonormalize_rows(basis.view());
  }

  double lr_;
  double beta1_;
  double beta2_;
  double epsilon_;
  double shampoo_beta_;
  double weight_decay_;
  std::int64_t precondition_every_;
  std::vector<Part> parts_;
};

}  // namespace

OptimizerEntry soap() {
  return optimizer_entry<Soap>(
      {
          .summary = "Adam in the slowly turning eigenbasis of Shampoo's preconditioners.",
          .formula = std::string(kMatrices) + "\nbiases, by AdamW: " + kVectors,
          .paper = "Vyas et al., SOAP: improving and stabilizing Shampoo using Adam, ICLR 2025, "
                   "arXiv:2409.11321, Algorithms 3 and 4",
      },
      UpdateScope::tensor);
}

}  // namespace plumbline::optimizers
