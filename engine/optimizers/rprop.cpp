// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "engine/optimizers/optimizer.hpp"

namespace plumbline::optimizers {

namespace {

// Resilient propagation: each weight has its own step size d, which the signs of its gradients
// alone change. For full batches. With s = sign(g_last) sign(g):
//   s > 0:   d <- min(increase d, max_step)      w <- w - d sign(g)
//   s < 0:   d <- max(decrease d, min_step)      "plus" (1993): the last move is taken back, and
//                                                g counts as 0 in the next s
//                                                "minus": w <- w - d sign(g), as everywhere
//   s = 0:   w <- w - d sign(g)
// A schedule multiplies the move, not d; what "plus" takes back is the move that was made.
//
// s is the product of signs, because that of two small gradients may underflow to zero.
template <typename T>
class RProp final : public Optimizer<T> {
 public:
  RProp(Settings& settings, const ParameterLayout& layout)
      : first_(settings.number("initial_step", 0.1, kPositive, "first step of each weight")),
        least_(settings.number("min_step", 1e-6, kNonNegative, "least step")),
        most_(settings.number("max_step", 50, kPositive, "largest step")),
        increase_(settings.number("increase", 1.2, at_least(1), "growth where the sign stays")),
        decrease_(settings.number("decrease", 0.5, kShrink, "growth where the sign changes")),
        backtracks_(settings.choice("variant", "plus", {"plus", "minus"},
                                    "take back a move after which the sign changed, or not") ==
                    "plus"),
        sign_(layout.size()),
        size_(layout.size(), static_cast<T>(first_)),
        move_(backtracks_ ? layout.size() : 0) {
    if (least_ > most_) settings.problem("min_step", "is above max_step");
  }

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    const auto zero = constant<Batch<T>>(0);
    const auto factor = constant<Batch<T>>(context.schedule_factor);
    const auto least = constant<Batch<T>>(least_);
    const auto most = constant<Batch<T>>(most_);
    const auto increase = constant<Batch<T>>(increase_);
    const auto decrease = constant<Batch<T>>(decrease_);
    const auto resize = [&](const auto& s, auto& d) {
      d = xsimd::select(s > zero, xsimd::min(increase * d, most),
                        xsimd::select(s < zero, xsimd::max(decrease * d, least), d));
    };
    if (backtracks_) {
      for_each_batch(
          parameters.size(),
          [&](auto& w, const auto& g, auto& last, auto& d, auto& move) {
            const auto sign = xsimd::sign(g);
            const auto s = last * sign;
            resize(s, d);
            move = xsimd::select(s < zero, -move, -factor * d * sign);
            w += move;
            last = xsimd::select(s < zero, zero, sign);
          },
          parameters.data(), gradient.data(), sign_.data(), size_.data(), move_.data());
    } else {
      for_each_batch(
          parameters.size(),
          [&](auto& w, const auto& g, auto& last, auto& d) {
            const auto sign = xsimd::sign(g);
            resize(last * sign, d);
            w -= factor * d * sign;
            last = sign;
          },
          parameters.data(), gradient.data(), sign_.data(), size_.data());
    }
  }
  std::vector<StateBlock> state() const override {
    return {{"sign", sign_}, {"d", size_}, {"move", move_}};
  }
  void archive(StateArchive& kept) override { kept(sign_, size_, move_); }
  std::size_t state_size() const override { return sign_.size() + size_.size() + move_.size(); }

 private:
  static constexpr Range kShrink{
      .low = 0, .high = 1, .low_included = false, .high_included = false};

  double first_;
  double least_;
  double most_;
  double increase_;
  double decrease_;
  bool backtracks_;
  std::vector<T> sign_;
  std::vector<T> size_;
  std::vector<T> move_;
};

}  // namespace

OptimizerEntry rprop() {
  return optimizer_entry<RProp>({
      .summary = "A step size for each weight, which grows while the sign of its gradient stays.",
      .formula = "d <- min(increase d, max_step) where the sign of g stays, max(decrease d, "
                 "min_step) where it changes; w <- w - d sign(g), or the last move taken back "
                 "where the sign changes",
      .paper = "Riedmiller & Braun, A direct adaptive method for faster backpropagation learning: "
               "the RPROP algorithm, ICNN 1993; Igel & Huesken, Empirical evaluation of the "
               "improved Rprop learning algorithms, Neurocomputing 50, 2003",
  });
}

}  // namespace plumbline::optimizers
