// SPDX-License-Identifier: Apache-2.0
#include "engine/training/gradient_check.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>
#include <optional>
#include <utility>

#include "engine/core/random.hpp"
#include "engine/training/trainer.hpp"

namespace plumbline {

namespace {

// The four-point difference
//   d(h) = (8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / 12h = f' + O(h^4 f^(5)) + O(noise / h)
// is taken with h and h/2. Where f is smooth, the error of d(h) is 16 times that of d(h/2), so that
// their distance is 15 times the error of d(h/2). A kink between -2h and 2h moves the two by
// different parts of its jump. So a pair counts where it agrees, and else a smaller step is tried: it
// leaves most kinks outside, and ends steps that were too long for the curvature.
//
// A jump of f'' (relu_squared, elu, softsign) between -2h and 2h is harder to see: it moves d(h) by
// some part of h times the jump, and the two of a pair can be moved alike. But its effect shrinks
// with h, while that of a wrong gradient stays. So a gradient is right when one pair confirms it, and
// wrong when no pair does and the last two, with steps four times apart or more, agree with each
// other: an effect e of a jump that is above the tolerance at the last step was about 4 e at the one
// before, and 3 e apart is more than two differences within their tolerances can be. What is neither
// is skipped. Pairs count while the rounding, which grows as 1/h, is below a hundredth of what they
// show; where a single one counts, the next must support it.
//
// Tolerance: a pair agrees to kGradientTolerance |d| plus noise, so where f is smooth d(h/2) is off
// by a fifteenth of that plus its own noise, and the back-propagated gradient by some hundred
// roundings, 1e-14. A wrong factor or a missing term changes a gradient by far more than 1e-7.
constexpr double kFirstStep = 1.0 / 256;  // relative to max(|w|, 1)
constexpr double kShorter = 0.25;
constexpr int kSteps = 7;  // the last is 2^-20

// (1 + 8 + 8 + 1) / 12 of the noise of one loss.
constexpr double kNoiseOfDifference = 1.5;

// A difference shows a gradient that is so many times its rounding: an error of one part in a hundred
// is seen.
constexpr double kSeen = 100;

struct Difference {
  double value = 0;
  double noise = 0;
};

// f along one parameter w_i, which is restored at the end.
class Line {
 public:
  Line(const ParameterLoss& loss, std::vector<double>& parameters, std::size_t index)
      : loss_(loss), parameters_(parameters), index_(index), start_(parameters[index]) {}
  ~Line() { parameters_[index_] = start_; }
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  double operator()(double offset) {
    parameters_[index_] = start_ + offset;
    return loss_(parameters_);
  }
  double start() const { return start_; }

 private:
  const ParameterLoss& loss_;
  std::vector<double>& parameters_;
  std::size_t index_;
  double start_;
};

bool agree(double a, double b, double noise) {
  const double apart = std::abs(a - b);
  return std::isfinite(apart) &&
         apart <= kGradientTolerance * std::max(std::abs(a), std::abs(b)) + noise;
}

// f'(0) where the pair of steps h and h/2 shows it, nothing beside a kink.
std::optional<Difference> difference(Line& f, double f_here, double noise_of_loss, double h) {
  const double half_up = f(h / 2);
  const double half_down = f(-h / 2);
  const double up = f(h);
  const double down = f(-h);
  const double far = f(2 * h) - f(-2 * h);
  const double near = up - down;
  const double coarse = (8 * near - far) / (12 * h);
  const double fine = (8 * (half_up - half_down) - near) / (6 * h);
  const double noise = kNoiseOfDifference * noise_of_loss / (h / 2);
  if (!agree(coarse, fine, 2 * noise)) return std::nullopt;
  // A kink at w itself looks the same from both sides to d. The slopes on the two sides differ by
  // h f'' + O(h^3) where f is smooth, half as much for half the step, and by the jump at a kink.
  const double jump = (up - 2 * f_here + down) / h;
  const double half_jump = (half_up - 2 * f_here + half_down) / (h / 2);
  const double seen = kGradientTolerance * std::abs(fine) + 4 * noise;
  if (std::abs(half_jump) > seen && std::abs(half_jump) > 0.75 * std::abs(jump)) {
    return std::nullopt;
  }
  return Difference{fine, noise};
}

// The last of the differences that deny a gradient, where the last two agree.
std::optional<Difference> denied(const std::vector<Difference>& denials) {
  if (denials.size() < 2) return std::nullopt;
  const Difference& last = denials.back();
  const Difference& before = denials[denials.size() - 2];
  if (!agree(before.value, last.value, before.noise + last.noise)) return std::nullopt;
  return last;
}

// The difference that tells whether `gradient` is f'(0): the first that confirms it, or the last that
// denies it; nothing where f is not smooth enough to tell.
std::optional<Difference> telling_difference(Line& f, double f_here, double noise_of_loss,
                                             double gradient) {
  // A power of two, so that w + h and w - h are off by the rounding of w alone.
  double h = kFirstStep * std::exp2(std::ceil(std::log2(std::max(std::abs(f.start()), 1.0))));
  std::vector<Difference> denials;
  for (int step = 0; step < kSteps; ++step, h *= kShorter) {
    const std::optional<Difference> found = difference(f, f_here, noise_of_loss, h);
    if (!found) continue;
    // The rounding grows as the steps shrink, and would confirm anything in the end.
    if (!(kSeen * found->noise <= std::max(std::abs(gradient), std::abs(found->value)))) {
      if (denials.empty()) return found;
      const Difference& one = denials.back();
      const bool supported = agree(one.value, found->value, one.noise + found->noise);
      return denials.size() == 1 && supported ? std::optional(one) : denied(denials);
    }
    if (agree(gradient, found->value, found->noise)) return found;
    denials.push_back(*found);
  }
  return denied(denials);
}

// What rounding does to the loss: the computed loss is the exact one of parameters that are some
// roundings away (the backward error of sums of products), so they are moved by one ulp up or down at
// random. Four times the largest change: a sum of n terms has up to sqrt(n) roundings, most of
// them of later, smaller parts.
double noise_of(const ParameterLoss& loss, std::span<const double> parameters, double here) {
  constexpr int kTries = 8;
  constexpr double kUlp = 0x1p-52;
  double most = 0;
  std::vector<double> moved(parameters.size());
  for (std::uint32_t attempt = 0; attempt < kTries; ++attempt) {
    Random random(0, RandomStream::noise, attempt);
    std::ranges::transform(parameters, moved.begin(), [&](double w) {
      return w * (random.below(2) == 0 ? 1 + kUlp : 1 - kUlp);
    });
    most = std::max(most, std::abs(loss(moved) - here));
  }
  return 4 * std::max(most, kUlp * std::abs(here));
}

// The parameters of a tensor that are checked, in rising order.
std::vector<std::size_t> sample(const ParameterTensor& tensor, std::size_t number,
                                const GradientCheckOptions& options) {
  std::vector<std::size_t> chosen(tensor.size());
  std::iota(chosen.begin(), chosen.end(), tensor.offset);
  if (options.most >= chosen.size()) return chosen;
  Random random(options.seed, RandomStream::noise, static_cast<std::uint32_t>(number));
  const std::vector<std::uint32_t> order = random.permutation(chosen.size());
  for (std::size_t i = 0; i < options.most; ++i) chosen[i] = tensor.offset + order[i];
  chosen.resize(options.most);
  std::ranges::sort(chosen);
  return chosen;
}

// The larger; NaN where either is.
double worst(double a, double b) { return a >= b || std::isnan(a) ? a : b; }

// Gathers the parameters of one tensor.
class TensorChecker {
 public:
  explicit TensorChecker(const ParameterTensor& tensor) : check_{.tensor = tensor} {}

  void skip() { ++check_.skipped; }
  void compare(double gradient, const Difference& difference) {
    ++check_.checked;
    const double size = std::max(std::abs(gradient), std::abs(difference.value));
    const double apart = std::abs(gradient - difference.value);
    agrees_ = agrees_ && agree(gradient, difference.value, difference.noise);
    seen_ = seen_ || size >= kSeen * difference.noise;
    check_.largest_gradient = worst(check_.largest_gradient, size);
    check_.largest_difference = worst(check_.largest_difference, apart);
    check_.rounding = worst(check_.rounding, difference.noise);
  }
  TensorCheck result() const {
    TensorCheck check = check_;
    if (check.largest_gradient != 0) {
      check.largest_difference /= check.largest_gradient;
      check.rounding /= check.largest_gradient;
    }
    check.verdict = check.checked == 0 ? GradientVerdict::not_smooth
                    : !agrees_         ? GradientVerdict::differs
                    : seen_            ? GradientVerdict::agrees
                                       : GradientVerdict::below_rounding;
    return check;
  }

 private:
  TensorCheck check_;
  bool agrees_ = true;
  bool seen_ = false;
};

class BatchCheck final : public TrainingObserver {
 public:
  BatchCheck(const Loss& loss, const GradientCheckOptions& options)
      : loss_(loss), options_(options) {}

  bool before_update(const StepView<float>& /*view*/) override { return false; }
  bool before_update(const StepView<double>& view) override {
    // Each row of outputs has a target, and with it a loss.
    const auto rows =
        static_cast<double>(view.network.layer(view.network.depth() - 1).output().rows);
    const auto batch_loss = [&](std::span<const double> parameters) {
      return loss_.evaluate(view.network.forward(parameters, view.inputs, view.pass), view.targets,
                            {}) /
             rows;
    };
    result =
        check_gradient(batch_loss, view.network.layout(), view.parameters, view.gradient, options_);
    return false;
  }
  bool after_update(std::span<const float> /*parameters*/) override { return false; }
  bool after_update(std::span<const double> /*parameters*/) override { return false; }

  GradientCheck result;

 private:
  const Loss& loss_;
  const GradientCheckOptions& options_;
};

}  // namespace

std::string_view to_string(GradientVerdict verdict) {
  switch (verdict) {
    case GradientVerdict::agrees:
      return "agrees";
    case GradientVerdict::differs:
      return "differs";
    case GradientVerdict::below_rounding:
      return "below rounding";
    case GradientVerdict::not_smooth:
      return "not smooth";
  }
  return "";
}

bool GradientCheck::holds() const {
  return std::isfinite(loss) && std::ranges::none_of(tensors, [](const TensorCheck& check) {
           return check.verdict == GradientVerdict::differs;
         });
}

GradientCheck check_gradient(const ParameterLoss& loss, const ParameterLayout& layout,
                             std::span<const double> parameters, std::span<const double> gradient,
                             const GradientCheckOptions& options) {
  GradientCheck result;
  result.loss = loss(parameters);
  if (!std::isfinite(result.loss)) return result;
  result.noise = noise_of(loss, parameters, result.loss);
  std::vector<double> moved(parameters.begin(), parameters.end());
  for (std::size_t number = 0; number < layout.tensors().size(); ++number) {
    const ParameterTensor& tensor = layout.tensors()[number];
    TensorChecker checker(tensor);
    for (const std::size_t index : sample(tensor, number, options)) {
      Line line(loss, moved, index);
      const std::optional<Difference> found =
          telling_difference(line, result.loss, result.noise, gradient[index]);
      if (found) {
        checker.compare(gradient[index], *found);
      } else {
        checker.skip();
      }
    }
    result.tensors.push_back(checker.result());
  }
  return result;
}

GradientCheck check_gradient(RunConfiguration run, const Dataset& data,
                             const GradientCheckOptions& options) {
  run.model.precision = Precision::float64;
  BatchCheck check(*run.loss, options);
  const std::atomic<bool> stop{false};
  train_observed(run, data, stop, check);
  return check.result;
}

}  // namespace plumbline
