// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/targets.hpp"

namespace plumbline::fuzz {

const std::vector<Target>& targets() {
  static const std::vector<Target> all = {
      {"cifar10", read_cifar10}, {"csv", read_csv},       {"definition", read_definition},
      {"gzip", read_gzip},       {"hdf5", read_hdf5, 16}, {"idx", read_idx},
      {"text", read_text}};
  return all;
}

}  // namespace plumbline::fuzz
