// SPDX-License-Identifier: Apache-2.0
#include "engine/training/trainer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine/core/digest.hpp"
#include "engine/optimizers/parameter_groups.hpp"
#include "engine/theory/finite_width.hpp"
#include "engine/training/batch_objective.hpp"
#include "engine/training/batch_source.hpp"
#include "engine/training/batches.hpp"
#include "engine/training/divergence.hpp"
#include "engine/training/evaluation.hpp"
#include "engine/training/initial_state.hpp"
#include "engine/training/probing.hpp"
#include "engine/training/series.hpp"
#include "engine/training/stopwatch.hpp"

namespace plumbline {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kMostLetters = 4096;  // of a diagnosis, which has a sentence for each finding

// Of the rule that moves the parameters, which in wrappers is an inner one; NaN where it has none.
double learning_rate_of(const ResolvedSettings& settings) {
  for (const ResolvedSetting& setting : settings) {
    const auto* rate = std::get_if<double>(&setting.value.value);
    const bool is_of_group = setting.key.starts_with("optimizer.groups.");
    if (rate != nullptr && !is_of_group && setting.key.starts_with("optimizer.") &&
        setting.key.ends_with(".lr")) {
      return *rate;
    }
  }
  return kNaN;
}

// The last step at which any metric is a number; 0 where none is.
std::int64_t last_measured_step(const RunRecord& record) {
  std::int64_t last = 0;
  for (const Metric& metric : record.metrics) {
    const std::size_t width = record.width(metric.axis);
    for (std::size_t i = metric.values.size(); i-- > 0;) {
      if (std::isnan(metric.values[i])) continue;
      last = std::max(last, record.steps[i / width]);
      break;
    }
  }
  return last;
}

template <typename T>
class Trainer {
 public:
  // Where `stop` comes true in here, what is left is not done, and train() ends at once.
  Trainer(const RunConfiguration& run, const Dataset& data, const std::atomic<bool>& stop,
          TrainingObserver* observer, CheckpointStore* checkpoints)
      : run_(run),
        data_(data),
        stop_(stop),
        observer_(observer),
        checkpoints_(checkpoints),
        clock_(observer == nullptr ? nullptr : observer->clock()),
        network_(run.model, run.input(), data.outputs, run.batch),
        parameters_(network_.layout().size()),
        batches_(data, run.batch, run.seeds.order, run.steps, &stop),
        batch_(data, run.batch, run.input()),
        objective_(network_, *run.loss, batch_, run.seeds.noise),
        steps_(run.recorded_steps()),
        probing_(run, data, network_, steps_) {
    gather(0);
    // First, as it draws in memory of its own, which is free again for what follows.
    network_.initialize(*run.model.initializer, run.seeds.init, parameters_, batch_.inputs(),
                        &stop);
    gradient_.resize(parameters_.size());
    SettingsReport checked_before;
    optimizer_ = make_optimizer<T>(run.optimizer, checked_before, network_.layout());
    learning_rate_ = learning_rate_of(run.resolved);
    declare_metrics();
  }

  // Everything that outlives a step: what is not listed is as it was made, or is made anew.
  void archive(StateArchive& kept) {
    kept(step_, parameters_);
    if (step_ < 1 || step_ > run_.steps) throw StateError("is of no step of the run");
    for (const std::span<T> part : network_.state()) kept(part);
    optimizer_->archive(kept);
    for (Series& series : evaluations_) kept(series.before(step_));
    probing_.archive(kept, step_);
    for (std::vector<double>* profile : {&theory_.rms, &theory_.low, &theory_.high, &theory_z_}) {
      profile->resize(network_.depth());
      kept(*profile);
    }
    std::size_t letters = diagnosis_.size();
    kept.count(letters, kMostLetters);
    diagnosis_.resize(letters);
    kept(diagnosis_);
    watch_.archive(kept);
  }

  // The updates so far.
  std::int64_t step() const { return step_; }

  // False where `stop` came true, or the observer wanted no more, before the end.
  bool train() {
    for (const std::int64_t first = step_;; ++step_) {
      const std::int64_t step = step_;
      if (step > first && checkpoint_is_due()) save_checkpoint();
      if (stopped()) return false;
      const double loss = forward_and_backward(step);
      const bool finite = network_.finite() && std::isfinite(loss);
      if (observer_ != nullptr && !observer_->before_update(view_of(step, loss))) return false;
      if (step == 0) diagnose_start();
      measure(step, loss);
      if (stopped() && !(saves_checkpoints() && is_whole_when_stopped(step))) return false;
      if (!finite) {
        divergence_ = find_divergence<T>(step, network_.layout(), parameters_, loss, gradient_);
      }
      if (!divergence_.empty()) return true;
      if (const char* ended_by = end_at(step); ended_by != nullptr) {
        if (stopped()) return false;
        end(step, ended_by);
        return true;
      }
      probing_.keep_before_update(step, parameters_);
      enter(clock_, Phase::optimizer);
      objective_.set_pass(pass_of(step));
      optimizer_->step(
          parameters_, gradient_,
          {step + 1, run_.schedule->factor(step + 1, run_.steps), run_.steps, &objective_});
      if (probing_.follows_update(step)) {
        enter(clock_, Phase::probes);
        watch_.stop();
        probing_.after_update(snapshot_of(step, loss), network_);
        watch_.go_on();
      }
      enter(clock_, Phase::other);
      if (observer_ != nullptr && !observer_->after_update(std::span<const T>(parameters_))) {
        return false;
      }
    }
  }

  RunRecord record() {
    RunRecord record;
    record.status = divergence_.empty() ? RunStatus::complete : RunStatus::diverged;
    if (!divergence_.empty()) record.message = "not finite: " + divergence_;
    record.digest = digest_of_model();
    record.n_layers = static_cast<std::int64_t>(network_.depth());
    record.steps = steps_;
    record.ended_by = ended_by_;
    for (const Series& series : evaluations_) record.metrics.push_back(series.metric());
    probing_.add_to(record);
    record.n_steps = std::max(end_, last_measured_step(record));
    if (divergence_.empty()) summarize(record);
    record.theory_error_signal = theory_.rms;
    record.theory_error_signal_low = theory_.low;
    record.theory_error_signal_high = theory_.high;
    record.theory_error_signal_z = theory_z_;
    record.diagnosis = diagnosis_;
    record.wall_seconds = watch_.wall_seconds();
    record.cpu_seconds = watch_.cpu_seconds();
    record.started = watch_.started();
    return record;
  }

 private:
  // Of all that outputs follow from where the model is evaluated.
  std::string digest_of_model() {
    std::string of_parts = digest(std::as_bytes(optimizer_->evaluation_point(parameters_)));
    const std::vector<std::span<T>> state = network_.state();
    if (state.empty()) return of_parts;
    for (const std::span<T> part : state) of_parts += digest(std::as_bytes(part));
    return digest(of_parts);
  }

  // What ends the run at this step, which measure() has seen; null for nothing.
  const char* end_at(std::int64_t step) {
    const Budget& budget = run_.budget;
    const bool is_evaluated = evaluations_.front().due(step);
    if (budget.target && is_evaluated && budget.target->reached_by(evaluated_)) {
      steps_to_target_ = static_cast<double>(step);
      return "target";
    }
    if (step == run_.last_step()) return step == run_.steps ? "steps" : "max_steps";
    if (budget.max_seconds == 0) return nullptr;
    if (watch_.wall_seconds() < budget.max_seconds) return nullptr;
    if (!is_evaluated) evaluate_sets(step);
    return "max_seconds";
  }

  // The steps that were to come are none of the record's.
  void end(std::int64_t step, const char* ended_by) {
    end_ = step;
    if (run_.budget.any()) ended_by_ = ended_by;
    while (steps_.back() > step) steps_.pop_back();
    for (Series& series : evaluations_) series.truncate(steps_.size());
    probing_.truncate(steps_.size());
  }

  void declare_metrics() {
    const auto due = run_.steps_of(run_.evaluation);
    const auto add = [&](const std::string& name, const char* meaning) {
      evaluations_.emplace_back(Quantity{name, meaning, "1", QuantityAxis::none}, 1, steps_, due);
    };
    const std::vector<std::string>& names = evaluated_names();
    add(names[0], "mean loss over the training examples");
    add(names[1], "share of the training examples whose label is predicted");
    add(names[2], "mean loss over the validation examples");
    add(names[3], "share of the validation examples whose label is predicted");
  }

  bool saves_checkpoints() const { return checkpoints_ != nullptr && run_.checkpoint_every > 0; }

  // Where the run is stopped, no update that was made is lost.
  bool checkpoint_is_due() const {
    return saves_checkpoints() && (step_ % run_.checkpoint_every == 0 || stopped());
  }

  // What reads a stream or evaluates leaves its work undone where `stop` comes true.
  bool is_whole_when_stopped(std::int64_t step) const {
    return data_.streamed.train == nullptr && !evaluations_.front().due(step);
  }

  void save_checkpoint() {
    if (run_id_.empty()) {
      run_id_ = run_id(run_);
      checkpoint_.reserve(sizeof(T) * (parameters_.size() + optimizer_->state_size()));
    }
    write_checkpoint(run_id_, [this](StateArchive& kept) { archive(kept); }, checkpoint_);
    checkpoints_->save(step_, checkpoint_);
  }

  // The mean loss of the batch of this step; leaves its gradient and error signals.
  double forward_and_backward(std::int64_t step) {
    enter(clock_, Phase::data);
    gather(step);
    Pass pass = pass_of(step);
    pass.statistics = RunningStatistics::follow;
    const MatrixView<const T> outputs =
        network_.forward(parameters_, batch_.inputs(), pass, clock_);
    enter(clock_, Phase::loss);
    const double sum = run_.loss->evaluate(outputs, batch_.targets(), network_.output_gradient());
    network_.backward(parameters_, batch_.inputs(), gradient_, clock_);
    enter(clock_, Phase::other);
    return sum / static_cast<double>(batch_.target_rows());
  }

  Pass pass_of(std::int64_t step) const { return {.seed = run_.seeds.noise, .step = step}; }

  StepView<T> view_of(std::int64_t step, double loss) {
    return {step, network_,    parameters_,  gradient_, batch_.inputs(), batch_.targets(),
            loss, *optimizer_, pass_of(step)};
  }

  void gather(std::int64_t step) { batches_.gather(step, batch_); }

  // The theory for this net's initializer and widths and the first batch's inputs.
  void predict() {
    const Initializer& initializer = *run_.model.initializer;
    std::vector<TheoryLayer> layers;
    bool defined = run_.model.is_plain_stack();
    for (std::size_t l = 0; l < network_.depth(); ++l) {
      const ParameterTensor& tensor = network_.layer(l).weight();
      const double variance = initializer.weight_variance(tensor.cols, tensor.rows).value_or(0);
      layers.push_back({static_cast<double>(tensor.cols), variance, initializer.bias_variance()});
      defined = defined && initializer.weight_mean() == 0 && variance > 0;
    }
    if (!defined) {
      const std::vector<double> nothing(network_.depth(), kNaN);
      theory_ = {nothing, nothing, nothing};
      return;
    }
    const MatrixView<const T> inputs = batch_.inputs();
    const auto rows = static_cast<double>(inputs.rows);
    const double length = norm(inputs);
    const MatrixView<const T> signal = network_.layer(network_.depth() - 1).error_signal();
    theory_ = error_signal_theory(*run_.model.activation, layers, length * length / rows,
                                  pair_groups(inputs, signal));
    const double last = norm(signal) / std::sqrt(rows);
    if (!initializer.independent_weights()) {
      std::ranges::fill(theory_.low, kNaN);
      std::ranges::fill(theory_.high, kNaN);
    }
    for (std::vector<double>* profile : {&theory_.rms, &theory_.low, &theory_.high}) {
      for (double& value : *profile) value *= last;
    }
  }

  // As probes see it; behind the step's update with the parameters after that.
  Snapshot<T> snapshot_of(std::int64_t step, double loss) const {
    const double factor = run_.schedule->factor(step + 1, run_.steps);
    return {.network = network_,
            .parameters = parameters_,
            .gradient = gradient_,
            .rows = run_.batch,
            .step = step,
            .inputs = batch_.inputs(),
            .targets = batch_.targets(),
            .loss = loss,
            .learning_rate = learning_rate_ * factor,
            .pass = pass_of(step),
            .optimizer = optimizer_.get(),
            .schedule_factor = factor};
  }

  // Sets the prediction beside the first batch, whatever probes the run has.
  void diagnose_start() {
    predict();
    const InitialState state = initial_state(network_, run_.model);
    const PredictedErrorSignal predicted{theory_.rms, theory_.low, theory_.high};
    theory_z_ = deviations(state.error_signal, predicted);
    diagnosis_ =
        diagnose(state, predicted, reason_without_theory(run_.model, network_.layout()),
                 sizeof(T) == sizeof(float) ? "float32" : "float64", std::numeric_limits<T>::min())
            .text;
  }

  // The probes first: evaluation runs the net forward over other examples.
  void measure(std::int64_t step, double loss) {
    if (probing_.precedes_update(step)) {
      enter(clock_, Phase::probes);
      watch_.stop();
      probing_.before_update(snapshot_of(step, loss), network_);
      watch_.go_on();
    }
    if (!evaluations_.front().due(step)) return;
    evaluate_sets(step);
    for (std::size_t i = 0; i < evaluations_.size(); ++i) {
      evaluations_[i].row(step)[0] = evaluated_[i];
    }
  }

  void evaluate_sets(std::int64_t step) {
    enter(clock_, Phase::evaluation);
    Evaluation on_train;
    Evaluation on_valid;
    in_use(&stop_, [&](std::span<const T> parameters) {
      on_train = evaluated(parameters, data_.train, data_.streamed.train, &stop_);
      on_valid = evaluated(parameters, data_.valid, data_.streamed.valid, &stop_);
    });
    gather(step);  // the optimizer may ask for more of this batch
    evaluated_ = {on_train.loss, on_train.accuracy, on_valid.loss, on_valid.accuracy};
  }

  bool stopped() const { return stop_.load(std::memory_order_relaxed); }

  // Calls function(parameters) where the model is evaluated. Running statistics are those of the
  // weights in training; of weights elsewhere, as averages are, they are found anew by one pass over
  // the training set (Izmailov et al. 2018, section 3.2), and stay where `function` has returned.
  template <class Function>
  void in_use(const std::atomic<bool>* stop, const Function& function) {
    const std::span<const T> parameters = optimizer_->evaluation_point(parameters_);
    const std::vector<std::span<T>> state = network_.state();
    if (state.empty() || std::ranges::equal(parameters, parameters_)) return function(parameters);
    std::vector<std::vector<T>> of_training;
    for (const std::span<T> part : state) of_training.emplace_back(part.begin(), part.end());
    for (std::int64_t i = 0; i < batches_.in_an_epoch() && !(stop != nullptr && *stop); ++i) {
      batches_.gather(i, batch_);
      network_.forward(
          parameters, batch_.inputs(),
          {.seed = run_.seeds.noise, .step = i, .statistics = RunningStatistics::average});
    }
    function(parameters);
    for (std::size_t i = 0; i < state.size(); ++i) {
      std::ranges::copy(of_training[i], state[i].begin());
    }
  }

  // On a part that is in memory, or streamed where there is a stream.
  Evaluation evaluated(std::span<const T> parameters, const Examples& examples,
                       const std::shared_ptr<const ExampleStream>& stream,
                       const std::atomic<bool>* stop) {
    return stream == nullptr ? evaluate<T>(network_, parameters, *run_.loss, examples, batch_, stop)
                             : evaluate<T>(network_, parameters, *run_.loss, *stream, batch_, stop);
  }

  void summarize(RunRecord& record) {
    for (std::size_t i = 0; i < evaluations_.size(); ++i) {
      record.summary.emplace_back("final_" + evaluations_[i].metric().name, evaluated_[i]);
    }
    Evaluation on_test;  // of a run that is finished, so nothing stops it
    batches_.stop_for_nothing();
    in_use(nullptr, [&](std::span<const T> parameters) {
      on_test = evaluated(parameters, data_.test, data_.streamed.test, nullptr);
    });
    record.summary.emplace_back("final_test_loss", on_test.loss);
    record.summary.emplace_back("final_test_accuracy", on_test.accuracy);
    constexpr auto kLoss = static_cast<std::size_t>(EvaluatedMetric::valid_loss);
    constexpr auto kAccuracy = static_cast<std::size_t>(EvaluatedMetric::valid_accuracy);
    double least_loss = evaluated_[kLoss];
    double most_accuracy = evaluated_[kAccuracy];
    for (const double loss : evaluations_[kLoss].metric().values) {
      least_loss = std::fmin(least_loss, loss);  // a NaN stands for a step without evaluation
    }
    for (const double accuracy : evaluations_[kAccuracy].metric().values) {
      most_accuracy = std::fmax(most_accuracy, accuracy);
    }
    record.summary.emplace_back("best_valid_loss", least_loss);
    record.summary.emplace_back("best_valid_accuracy", most_accuracy);
    if (run_.budget.target) record.summary.emplace_back("steps_to_target", steps_to_target_);
  }

  Stopwatch watch_;
  const RunConfiguration& run_;
  const Dataset& data_;
  const std::atomic<bool>& stop_;
  TrainingObserver* observer_;    // null for none
  CheckpointStore* checkpoints_;  // null for none
  PhaseClock* clock_;             // null for none
  Network<T> network_;
  std::vector<T> parameters_;
  std::vector<T> gradient_;
  std::unique_ptr<Optimizer<T>> optimizer_;
  BatchSource batches_;
  GatheredBatch<T> batch_;
  BatchObjective<T> objective_;
  std::vector<std::int64_t> steps_;
  std::vector<Series> evaluations_;
  double learning_rate_ = kNaN;  // the optimizer's own; NaN where it has none
  Probing<T> probing_;
  ErrorSignalTheory theory_;
  std::vector<double> theory_z_;
  std::string diagnosis_;
  std::string divergence_;
  EvaluatedValues evaluated_{};  // the last evaluation
  std::int64_t end_ = 0;         // the step at which nothing but divergence ended the run
  double steps_to_target_ = kNaN;
  std::string ended_by_;
  std::int64_t step_ = 0;
  std::string run_id_;
  std::vector<std::byte> checkpoint_;
};

template <typename T>
std::optional<RunRecord> train_as(const RunConfiguration& run, const Dataset& data,
                                  const std::atomic<bool>& stop, TrainingObserver* observer,
                                  CheckpointStore* checkpoints) {
  std::optional<Trainer<T>> trainer(std::in_place, run, data, stop, observer, checkpoints);
  if (checkpoints != nullptr) {
    const std::optional<std::vector<std::byte>> last = checkpoints->last();
    try {
      if (last) {
        read_checkpoint(*last, run_id(run), [&](StateArchive& kept) { trainer->archive(kept); });
        checkpoints->resumed(trainer->step());
      }
    } catch (const StateError& error) {
      checkpoints->refused(error.what());
      trainer.emplace(run, data, stop, observer, checkpoints);
    }
  }
  if (!trainer->train()) return std::nullopt;
  return trainer->record();
}

std::optional<RunRecord> train_any(const RunConfiguration& run, const Dataset& data,
                                   const std::atomic<bool>& stop, TrainingObserver* observer,
                                   CheckpointStore* checkpoints) {
  return run.model.precision == Precision::float64
             ? train_as<double>(run, data, stop, observer, checkpoints)
             : train_as<float>(run, data, stop, observer, checkpoints);
}

}  // namespace

std::optional<RunRecord> train(const RunConfiguration& configuration, const Dataset& data,
                               const std::atomic<bool>& stop) {
  return train_any(configuration, data, stop, nullptr, nullptr);
}

std::optional<RunRecord> train_observed(const RunConfiguration& configuration, const Dataset& data,
                                        const std::atomic<bool>& stop, TrainingObserver& observer) {
  return train_any(configuration, data, stop, &observer, nullptr);
}

std::optional<RunRecord> train_with_checkpoints(const RunConfiguration& configuration,
                                                const Dataset& data, const std::atomic<bool>& stop,
                                                CheckpointStore& checkpoints) {
  return train_any(configuration, data, stop, nullptr, &checkpoints);
}

}  // namespace plumbline
