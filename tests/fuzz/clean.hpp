// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/core/error.hpp"

namespace plumbline::fuzz {

/// Calls `read`, and lets it refuse its input as readers may: whether it did not.
template <class Read>
bool takes(const Read& read) {
  try {
    read();
    return true;
  } catch (const DefinitionError&) {
    return false;
  } catch (const EnvironmentError&) {
    return false;
  }
}

}  // namespace plumbline::fuzz
