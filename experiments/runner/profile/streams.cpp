// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/profile/streams.hpp"

#include <algorithm>
#include <atomic>
#include <barrier>
#include <cstddef>
#include <exception>
#include <thread>

namespace plumbline {

namespace {

Nanoseconds nanoseconds(double seconds) { return static_cast<Nanoseconds>(1e9 * seconds); }

}  // namespace

WorkSpan work_until(const Stream& stream, Nanoseconds deadline) {
  WorkSpan span{0, steady_nanoseconds(), 0};
  do {
    span.work += stream();
    span.end = steady_nanoseconds();
  } while (span.end < deadline);
  return span;
}

double joint_rate(std::span<const WorkSpan> spans) {
  double work = 0;
  for (const WorkSpan& span : spans) work += span.work;
  const Nanoseconds begin = std::ranges::min(spans, {}, &WorkSpan::begin).begin;
  const Nanoseconds end = std::ranges::max(spans, {}, &WorkSpan::end).end;
  return 1e9 * work / static_cast<double>(end - begin);
}

double stream_rate(const Stream& stream, double seconds) {
  const WorkSpan span = work_until(stream, steady_nanoseconds() + nanoseconds(seconds));
  return joint_rate({&span, 1});
}

std::vector<double> joint_rates(int streams, const std::function<Stream()>& make, int repetitions,
                                double seconds) {
  const auto n = static_cast<std::size_t>(streams);
  std::vector<std::vector<WorkSpan>> spans(static_cast<std::size_t>(repetitions),
                                           std::vector<WorkSpan>(n));
  std::vector<std::exception_ptr> errors(n);
  std::atomic<Nanoseconds> deadline{0};
  const auto set_deadline = [&]() noexcept {
    deadline = steady_nanoseconds() + nanoseconds(seconds);
  };
  std::barrier start(std::ssize(errors), set_deadline);
  const auto work = [&](std::size_t i) {
    try {
      const Stream stream = make();
      stream();
      for (std::vector<WorkSpan>& repetition : spans) {
        start.arrive_and_wait();
        repetition[i] = work_until(stream, deadline);
      }
    } catch (...) {
      errors[i] = std::current_exception();
      start.arrive_and_drop();
    }
  };
  {
    std::vector<std::jthread> threads;
    std::size_t i = 1;
    try {
      for (; i < n; ++i) threads.emplace_back(work, i);
    } catch (...) {
      // Else those that there are would wait for the others for ever.
      start.arrive_and_drop();
      for (; i < n; ++i) start.arrive_and_drop();
      throw;
    }
    work(0);
  }
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
  std::vector<double> rates;
  for (const std::vector<WorkSpan>& repetition : spans) rates.push_back(joint_rate(repetition));
  return rates;
}

}  // namespace plumbline
