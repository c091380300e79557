// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "engine/probes/probe.hpp"

namespace plumbline {

/// A probe of one number that raises a flag when it is asked for the n-th time, of all runs together.
class StoppingProbe final : public ProbeKindOf<StoppingProbe> {
 public:
  StoppingProbe(std::atomic<bool>& stop, int nth) : stop_(stop), left_(nth) {}

  std::vector<Quantity> quantities() const override {
    return {{"nothing", "Nothing.", "1", QuantityAxis::none}};
  }
  ProbeCalls calls(const ProbedRun& /*run*/) const override { return {.before_update = true}; }
  template <typename T>
  std::unique_ptr<Probe<T>> make(const ProbedRun& /*run*/) const {
    return std::make_unique<OfARun<T>>(*this);
  }

 private:
  template <typename T>
  class OfARun final : public Probe<T> {
   public:
    explicit OfARun(const StoppingProbe& all) : all_(all) {}
    void before_update(const Snapshot<T>& /*at*/, const Readings& /*values*/) override {
      if (--all_.left_ == 0) all_.stop_ = true;
    }

   private:
    const StoppingProbe& all_;
  };

  std::atomic<bool>& stop_;
  mutable std::atomic<int> left_;
};

}  // namespace plumbline
