// SPDX-License-Identifier: Apache-2.0
// What libFuzzer calls with each input that it makes; its main() is its own.
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/targets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  plumbline::fuzz::PLUMBLINE_FUZZ_TARGET({bytes, size});
  return 0;
}
