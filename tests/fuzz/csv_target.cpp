// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include "engine/datasets/csv_table.hpp"
#include "tests/fuzz/clean.hpp"
#include "tests/fuzz/targets.hpp"

namespace plumbline::fuzz {

bool read_csv(Input input) {
  const std::vector<std::uint8_t> bytes(input.begin(), input.end());
  bool taken = false;
  takes([&] {
    const std::string last = CsvTable(bytes, "table").header().back();
    const std::vector<std::string> none;
    for (const CsvColumns& columns :
         {CsvColumns{none, "", none, none}, CsvColumns{none, "", {last}, none},
          CsvColumns{none, last, none, none}, CsvColumns{none, last, none, {"a", "b"}}}) {
      taken = takes([&] { CsvTable(bytes, "table").read(columns); }) || taken;
    }
  });
  return taken;
}

}  // namespace plumbline::fuzz
