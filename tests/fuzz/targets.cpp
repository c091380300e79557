// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/targets.hpp"

namespace plumbline::fuzz {

const std::vector<Target>& targets() {
  static const std::vector<Target> all = {{"checkpoint", read_checkpoint},
                                          {"cifar10", read_cifar10},
                                          {"csv", read_csv},
                                          {"definition", read_definition},
                                          {"gzip", read_gzip},
                                          {"hdf5", read_hdf5, 16},
                                          {"idx", read_idx},
                                          {"results", read_results, 16},
                                          {"text", read_text}};
  return all;
}

}  // namespace plumbline::fuzz
