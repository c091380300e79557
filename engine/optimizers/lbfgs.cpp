// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <deque>
#include <vector>

#include "engine/kernels/reduce.hpp"
#include "engine/kernels/sum.hpp"
#include "engine/optimizers/line_search.hpp"
#include "engine/optimizers/optimizer.hpp"

namespace plumbline::optimizers {

namespace {

// L-BFGS: d = -H g by the two-loop recursion over the last pairs s = w' - w, y = g' - g (Nocedal &
// Wright, Algorithm 7.4, with H0 = <s, y> / <y, y> I), and w <- w + a d (Algorithm 7.5). a is from
// the strong Wolfe search whose first trial is lr f, or, with line_search "none", lr f itself. A pair
// is kept where <s, y> > 0. Loss and gradients of a step are over its own examples, at both ends of
// the pair too: on a full batch this is the method of the paper. Where no step is found the pairs
// are dropped, and the next direction is -g.
template <typename T>
class Lbfgs final : public Optimizer<T> {
 public:
  Lbfgs(Settings& settings, const ParameterLayout& layout)
      : lr_(settings.number("lr", 1, kPositive, "first trial step, or the step")),
        history_(settings.integer("history", 10, at_least(1), "pairs kept")),
        search_(settings.choice("line_search", "strong_wolfe", {"strong_wolfe", "none"},
                                "how the step along d is found") == "strong_wolfe"),
        max_evaluations_(settings.integer("max_evaluations", 25, between(1, 1000),
                                          "most trial steps of a search")),
        direction_(layout.size()),
        point_(layout.size()),
        gradient_(layout.size()) {}

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    const double first = lr_ * context.schedule_factor;
    find_direction(gradient);
    double slope = dot<T>(gradient, direction_);
    if (!(slope < 0)) {
      pairs_.clear();
      find_direction(gradient);
      slope = dot<T>(gradient, direction_);
    }
    // At a minimum, and at a schedule's end, there is nowhere to go; NaN goes into the parameters.
    if (slope == 0 || first == 0) return;
    const bool search = search_ && all_finite(gradient);
    const double step_size =
        search ? searched(parameters, *context.objective, slope, first) : first;
    if (step_size == 0) {
      pairs_.clear();
      return;
    }
    move(parameters, step_size);
    if (!search || gradient_at_ != step_size) context.objective->gradient(point_, gradient_);
    remember(parameters, gradient);
    std::ranges::copy(point_, parameters.begin());
  }
  bool asks_for_gradients() const override { return true; }
  void archive(StateArchive& kept) override {
    std::size_t pairs = pairs_.size();
    kept.count(pairs, static_cast<std::size_t>(history_));
    const std::vector<T> empty(direction_.size());
    if (kept.restores()) pairs_.clear();
    for (std::size_t i = 0; i < pairs; ++i) {
      if (i == pairs_.size()) pairs_.push_back({empty, empty, 0});
      kept(pairs_[i].s, pairs_[i].y, pairs_[i].sy);
    }
  }
  std::size_t state_size() const override {
    return (2 * static_cast<std::size_t>(history_) + 3) * direction_.size();
  }

 private:
  struct Pair {
    std::vector<T> s;
    std::vector<T> y;
    double sy = 0;
  };

  void add(double factor, std::span<const T> to_add) {
    const auto scale = static_cast<T>(factor);
    for (std::size_t i = 0; i < to_add.size(); ++i) direction_[i] += scale * to_add[i];
  }

  // Algorithm 7.4, with the sign of the descent.
  void find_direction(std::span<const T> gradient) {
    std::ranges::transform(gradient, direction_.begin(), std::negate<>());
    std::vector<double> alpha(pairs_.size());
    for (std::size_t i = pairs_.size(); i-- > 0;) {
      alpha[i] = dot<T>(pairs_[i].s, direction_) / pairs_[i].sy;
      add(-alpha[i], pairs_[i].y);
    }
    if (pairs_.empty()) return;
    const auto h0 = static_cast<T>(pairs_.back().sy / dot<T>(pairs_.back().y, pairs_.back().y));
    for (T& d : direction_) d *= h0;
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      add(alpha[i] - dot<T>(pairs_[i].y, direction_) / pairs_[i].sy, pairs_[i].s);
    }
  }

  // Leaves w + a d in point_.
  void move(std::span<const T> parameters, double a) {
    const auto step_size = static_cast<T>(a);
    std::ranges::transform(parameters, direction_, point_.begin(),
                           [step_size](T w, T d) { return w + step_size * d; });
  }

  // Leaves the gradient of the last trial in gradient_.
  double searched(std::span<const T> parameters, Objective<T>& objective, double slope,
                  double first) {
    const auto phi = [&](double a) {
      move(parameters, a);
      const double value = objective.gradient(point_, gradient_);
      gradient_at_ = a;
      return LinePoint{a, value, dot<T>(gradient_, direction_)};
    };
    const LinePoint start{0, objective.loss(parameters), slope};
    return strong_wolfe(phi, start, first, {.max_evaluations = static_cast<int>(max_evaluations_)})
        .step;
  }

  void remember(std::span<const T> parameters, std::span<const T> gradient) {
    Pair pair{point_, gradient_, 0};
    std::ranges::transform(pair.s, parameters, pair.s.begin(), std::minus<>());
    std::ranges::transform(pair.y, gradient, pair.y.begin(), std::minus<>());
    pair.sy = dot<T>(pair.s, pair.y);
    if (!(pair.sy > 0)) return;
    if (pairs_.size() == static_cast<std::size_t>(history_)) pairs_.pop_front();
    pairs_.push_back(std::move(pair));
  }

  double lr_;
  std::int64_t history_;
  bool search_;
  std::int64_t max_evaluations_;
  std::deque<Pair> pairs_;
  std::vector<T> direction_;
  std::vector<T> point_;
  std::vector<T> gradient_;
  double gradient_at_ = 0;
};

}  // namespace

OptimizerEntry lbfgs() {
  return optimizer_entry<Lbfgs>(
      {
          .summary = "Quasi-Newton steps from the last changes of gradient, with a line search.",
          .formula = "d = -H g, H from the last pairs s = w' - w, y = g' - g by the two-loop "
                     "recursion; w <- w + a d, a by the strong Wolfe conditions",
          .paper = "Liu & Nocedal, On the limited memory BFGS method for large scale optimization, "
                   "Mathematical Programming 45, 1989, doi:10.1007/BF01589116; Nocedal & Wright, "
                   "Numerical optimization, 2006, Algorithms 3.5, 3.6, 7.4, 7.5",
      },
      UpdateScope::objective);
}

}  // namespace plumbline::optimizers
