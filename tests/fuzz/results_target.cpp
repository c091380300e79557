// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <string>

#include "experiments/runner/results/readable_file.hpp"
#include "experiments/runner/results/results_file.hpp"
#include "experiments/runner/results/results_layout.hpp"
#include "tests/fuzz/clean.hpp"
#include "tests/fuzz/input_file.hpp"
#include "tests/fuzz/targets.hpp"

namespace plumbline::fuzz {

bool read_results(Input input) {
  const std::filesystem::path& file = file_with(input);
  return takes([&] {
    require_readable(file);
    const ResultsReader reader(file);
    const std::size_t runs = reader.run_ids().size();
    reader.statuses();
    reader.provenance();
    reader.numbers("started");
    for (const std::string& name : reader.run_variables()) takes([&] { reader.labels(name); });
    reader.settings();
    reader.summary();
    reader.metrics();
    reader.steps();
    for (std::size_t run = 0; run < runs; ++run) reader.place(run);
    const std::size_t block = reader.runs_per_block();
    for (std::size_t first = 0; first < runs; first += block) {
      reader.read(first, std::min(block, runs - first));
    }
  });
}

}  // namespace plumbline::fuzz
