// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace plumbline {

/// Call it before OpenBLAS: each of its calls stays on its own thread from then on. Throws
/// EnvironmentError where the serial build is loaded: it gives wrong results when several threads call
/// it at once, and the system's alternatives can put it in the place of the one we were linked
/// against.
void require_safe_openblas();

}  // namespace plumbline
