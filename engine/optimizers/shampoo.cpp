// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "engine/core/lapack.hpp"
#include "engine/kernels/dense_matrix.hpp"
#include "engine/kernels/reduce.hpp"
#include "engine/optimizers/optimizer.hpp"

namespace plumbline::optimizers {

namespace {

constexpr const char* kLeftAlone = "L <- L + G G^T; w <- w - lr L^(-1/2) G";
constexpr const char* kRightAlone = "R <- R + G^T G; w <- w - lr G R^(-1/2)";
constexpr double kAdagradEpsilon = 1e-10;  // as adagrad's default

// One side of a matrix's preconditioner; without values where the side is left out.
struct Side {
  DenseMatrix<double> statistics;  // L or R
  DenseMatrix<double> root;
};

// Shampoo, Algorithm 1 of the paper, from L = R = epsilon I:
//   L <- L + G G^T;  R <- R + G^T G;  w <- w - lr L^(-1/4) G R^(-1/4)
// A vector has L alone, to the power -1/2 (the paper's order-k tensors take -1/(2k)); so has a matrix
// one side of which is longer than max_dimension; with neither side the step is plain descent. grafting takes the length of each tensor's step
// from another rule (Anil et al. 2020, arXiv:2002.09018); the paper has none. The roots are as of
// steps 1, 1 + update_every, ... In double throughout: epsilon is small against the statistics.
template <typename T>
class Shampoo final : public Optimizer<T> {
 public:
  Shampoo(Settings& settings, const ParameterLayout& layout)
      : lr_(settings.number("lr", 0.1, kPositive, "learning rate")),
        epsilon_(settings.number("epsilon", 1e-4, kPositive, "preconditioners start at epsilon I")),
        update_every_(settings.integer("update_every", 1, at_least(1), "steps between new roots")),
        grafting_(settings.choice("grafting", "none", {"none", "sgd", "adagrad"},
                                  "whose length a tensor's step takes")),
        max_dimension_(settings.integer("max_dimension", 1024, at_least(1),
                                        "longest side with a preconditioner")),
        tensors_(layout.tensors()),
        sides_(tensors_.size()),
        squares_(grafting_ == "adagrad" ? layout.size() : 0) {
    const auto start = [this](std::size_t n) {
      return Side{DenseMatrix<double>::identity(n, epsilon_), DenseMatrix<double>(n, n)};
    };
    for (std::size_t k = 0; k < tensors_.size(); ++k) {
      if (has_left(tensors_[k])) sides_[k].left = start(tensors_[k].rows);
      if (has_right(tensors_[k])) sides_[k].right = start(tensors_[k].cols);
    }
  }

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    const bool new_roots = (context.step - 1) % update_every_ == 0;
    for (std::size_t k = 0; k < tensors_.size(); ++k) {
      const ParameterTensor& tensor = tensors_[k];
      if (tensor.size() == 0) continue;
      const auto w = parameters.subspan(tensor.offset, tensor.size());
      DenseMatrix<double> g(tensor.rows, tensor.cols);
      std::ranges::copy(gradient.subspan(tensor.offset, tensor.size()), g.values().begin());
      const DenseMatrix<double> direction = preconditioned(sides_[k], g, new_roots);
      double scale = lr_ * context.schedule_factor;
      if (grafting_ != "none") {
        const double length = norm(direction.values());
        const double grafted = grafted_length(tensor, g.values());
        if (length != 0) scale *= grafted / length;
      }
      for (std::size_t i = 0; i < w.size(); ++i) {
        w[i] = static_cast<T>(static_cast<double>(w[i]) - scale * direction.values()[i]);
      }
    }
  }
  std::vector<UpdateRule> rules(const ParameterTensor& tensor) const override {
    for (std::size_t k = 0; k < tensors_.size(); ++k) {
      if (tensors_[k].name != tensor.name) continue;
      const bool left = !sides_[k].left.root.empty();
      const bool right = !sides_[k].right.root.empty();
      if (left && right) break;
      if (left) return {this->rule_with(kLeftAlone)};
      return {this->rule_with(right ? kRightAlone : "w <- w - lr G")};
    }
    return Optimizer<T>::rules(tensor);
  }
  void archive(StateArchive& kept) override {
    for (Sides& both : sides_) {
      for (Side* side : {&both.left, &both.right}) {
        kept(side->statistics.values());
        if (update_every_ > 1) kept(side->root.values());
      }
    }
    kept(squares_);
  }
  std::size_t state_size() const override {
    std::size_t size = 0;
    for (const Sides& both : sides_) {
      size += 2 * (both.left.statistics.values().size() + both.right.statistics.values().size());
    }
    return (squares_.size() + size) * sizeof(double) / sizeof(T);
  }
  std::size_t state_size_over(const ParameterLayout& layout) const override {
    std::size_t size = grafting_ == "adagrad" ? layout.size() : 0;
    for (const ParameterTensor& tensor : layout.tensors()) {
      if (has_left(tensor)) size += 2 * tensor.rows * tensor.rows;
      if (has_right(tensor)) size += 2 * tensor.cols * tensor.cols;
    }
    return size * sizeof(double) / sizeof(T);
  }

 private:
  bool has_left(const ParameterTensor& tensor) const {
    return tensor.rows <= static_cast<std::size_t>(max_dimension_);
  }
  bool has_right(const ParameterTensor& tensor) const {
    return tensor.cols > 1 && tensor.cols <= static_cast<std::size_t>(max_dimension_);
  }

  struct Sides {
    Side left;
    Side right;
  };

  DenseMatrix<double> preconditioned(Sides& sides, const DenseMatrix<double>& g, bool new_roots) {
    const double p = sides.left.root.empty() || sides.right.root.empty() ? 2 : 4;
    DenseMatrix<double> direction = g;
    if (!sides.left.root.empty()) {
      update(sides.left, product(as_is(g), transposed(g)), p, new_roots);
      direction = product(as_is(sides.left.root), as_is(direction));
    }
    if (!sides.right.root.empty()) {
      update(sides.right, product(transposed(g), as_is(g)), p, new_roots);
      direction = product(as_is(direction), as_is(sides.right.root));
    }
    return direction;
  }

  void update(Side& side, const DenseMatrix<double>& gram, double p, bool new_root) const {
    std::ranges::transform(side.statistics.values(), gram.values(),
                           side.statistics.values().begin(), std::plus<>());
    if (new_root) inverse_root(side.statistics.view(), p, epsilon_, side.root.view());
  }

  double grafted_length(const ParameterTensor& tensor, std::span<const double> g) {
    if (grafting_ == "sgd") return norm(g);
    std::vector<double> step(g.size());
    for (std::size_t i = 0; i < g.size(); ++i) {
      double& square = squares_[tensor.offset + i];
      square += g[i] * g[i];
      step[i] = g[i] / (std::sqrt(square) + kAdagradEpsilon);
    }
    return norm(std::span<const double>(step));
  }

  double lr_;
  double epsilon_;
  std::int64_t update_every_;
  std::string grafting_;
  std::int64_t max_dimension_;
  std::vector<ParameterTensor> tensors_;
  std::vector<Sides> sides_;
  std::vector<double> squares_;
};

}  // namespace

OptimizerEntry shampoo() {
  return optimizer_entry<Shampoo>(
      {
          .summary =
              "Preconditions a weight matrix from both sides by roots of its gradients' Grams.",
          .formula =
              std::string("L <- L + G G^T; R <- R + G^T G; w <- w - lr L^(-1/4) G R^(-1/4)") +
              "\nbiases: " + kLeftAlone,
          .paper = "Gupta, Koren & Singer, Shampoo: preconditioned stochastic tensor optimization, "
                   "ICML 2018, arXiv:1802.09568, Algorithm 1",
      },
      UpdateScope::tensor);
}

}  // namespace plumbline::optimizers
