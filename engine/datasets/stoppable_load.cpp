// SPDX-License-Identifier: Apache-2.0
#include "engine/datasets/stoppable_load.hpp"

#include <utility>

namespace plumbline {

namespace {

thread_local const std::atomic<bool>* current = nullptr;

}  // namespace

StoppableLoad::StoppableLoad(const std::atomic<bool>& stop)
    : before_(std::exchange(current, &stop)) {}

StoppableLoad::~StoppableLoad() { current = before_; }

void StoppableLoad::check() {
  if (current != nullptr && *current) throw LoadStopped();
}

}  // namespace plumbline
