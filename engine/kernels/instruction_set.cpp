// SPDX-License-Identifier: Apache-2.0
#include "engine/kernels/instruction_set.hpp"

#include <xsimd/xsimd.hpp>

namespace plumbline {

std::string instruction_set() { return xsimd::default_arch::name(); }

bool has_fused_products() {
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
  return true;
#else
  return false;
#endif
}

}  // namespace plumbline
