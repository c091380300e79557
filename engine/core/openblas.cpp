// SPDX-License-Identifier: Apache-2.0
#include "engine/core/openblas.hpp"

#include <cblas.h>

#include <mutex>

#include "engine/core/error.hpp"

namespace plumbline {

void require_safe_openblas() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (openblas_get_parallel() == 0) {
      throw EnvironmentError(
          "the OpenBLAS in use is the serial build, which is wrong under threads; install "
          "libopenblas0-pthread and select it with update-alternatives");
    }
    openblas_set_num_threads(1);
  });
}

}  // namespace plumbline
