// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/results/recorder.hpp"

#include <exception>
#include <iterator>
#include <utility>

#include "experiments/runner/results/record_size.hpp"

namespace plumbline {

namespace {

constexpr std::chrono::seconds kLongestWait{1};
/// Of numbers in memory, before their turn comes early; and before whoever brings more has to wait.
constexpr std::size_t kMostBytes = std::size_t{16} << 20;
constexpr std::size_t kMostBytesBehind = 4 * kMostBytes;

}  // namespace

Recorder::Recorder(Write write, std::function<bool()> idle, std::chrono::milliseconds idle_again)
    : write_(std::move(write)),
      idle_(std::move(idle)),
      idle_again_(idle_again),
      thread_([this] { work(); }) {}

Recorder::~Recorder() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Recorder::append(FinishedRun&& run) {
  std::unique_lock lock(mutex_);
  const bool is_first = waiting_.empty();
  waiting_bytes_ += bytes_of(run.record);
  waiting_.push_back(std::move(run));
  if (is_first) due_ = Clock::now() + kLongestWait;
  if (is_first || waiting_bytes_ >= kMostBytes) wake_.notify_one();
  written_.wait(lock, [this] { return waiting_bytes_ < kMostBytesBehind || error_; });
  if (error_) std::rethrow_exception(error_);
}

void Recorder::flush() {
  std::unique_lock lock(mutex_);
  const std::uint64_t wanted = ++flushes_wanted_;
  wake_.notify_one();
  written_.wait(lock, [&] { return flushes_done_ >= wanted; });
  if (error_) std::rethrow_exception(error_);
}

std::size_t Recorder::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_.size() + in_hand_.size();
}

void Recorder::work() {
  std::unique_lock lock(mutex_);
  bool may_idle = true;
  while (!ending_) {
    const bool flushing = flushes_done_ < flushes_wanted_;
    const bool is_large = waiting_bytes_ >= kMostBytes && !error_;
    if (flushing || is_large || (!waiting_.empty() && Clock::now() >= due_)) {
      write_waiting(lock);
      may_idle = true;
    } else if (may_idle) {
      lock.unlock();
      try {
        may_idle = idle_();
      } catch (const std::exception&) {
        may_idle = false;
      }
      lock.lock();
    } else if (waiting_.empty()) {
      may_idle = wake_.wait_for(lock, idle_again_) == std::cv_status::timeout;
    } else {
      wake_.wait_until(lock, due_);
    }
  }
}

void Recorder::write_waiting(std::unique_lock<std::mutex>& lock) {
  const std::uint64_t wanted = flushes_wanted_;
  in_hand_ = std::exchange(waiting_, {});
  const std::size_t bytes = std::exchange(waiting_bytes_, 0);
  std::exception_ptr error;
  if (!in_hand_.empty()) {
    lock.unlock();
    try {
      write_(in_hand_);
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
  }
  error_ = error;
  if (error) {
    waiting_.insert(waiting_.begin(), std::make_move_iterator(in_hand_.begin()),
                    std::make_move_iterator(in_hand_.end()));
    waiting_bytes_ += bytes;
    due_ = Clock::now() + kLongestWait;
  }
  in_hand_.clear();
  flushes_done_ = wanted;
  written_.notify_all();
}

}  // namespace plumbline
