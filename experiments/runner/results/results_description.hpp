// SPDX-License-Identifier: Apache-2.0
// What a results file says about itself beside its numbers. All functions throw EnvironmentError
// through their Check.
#pragma once

#include <string>
#include <vector>

#include "experiments/runner/plan/plan.hpp"
#include "experiments/runner/results/hdf5_variables.hpp"
#include "experiments/runner/results/provenance.hpp"
#include "experiments/runner/results/results_layout.hpp"

namespace plumbline {

/// "run_id depth activation ... seed": the variables that tell runs apart.
std::string coordinate_names(const ResultsLayout& layout);

/// What a file is.
struct FileIdentity {
  std::string schema;
  std::string version;  ///< of the schema
  std::string id;
};

/// The attributes of the root group that every file has: those of CF and ACDD, and the schema.
void write_file_attributes(const hdf5::Check& check, hid_t file, const Definition& definition,
                           const Provenance& provenance, const FileIdentity& identity);

/// The group `provenance`, which has attributes alone, with what every file has of them.
hdf5::Handle write_origin(const hdf5::Check& check, hid_t file, const Definition& definition,
                          const Provenance& provenance);

/// The root attributes of a results file: write_file_attributes() and the axes of the sweep.
void write_root_attributes(const hdf5::Check& check, hid_t file, const Plan& plan,
                           const ResultsLayout& layout, const Provenance& provenance);

/// The group `provenance` of a results file: write_origin() and the plan.
void write_provenance_group(const hdf5::Check& check, hid_t file, const Plan& plan,
                            const ResultsLayout& layout, const Provenance& provenance);

/// The group `plots`: one NXdata group of soft links for each metric over (run, step, layer), by
/// which h5web and other NeXus viewers draw it.
void write_plots(const hdf5::Check& check, hid_t file, const std::vector<std::string>& metrics);

}  // namespace plumbline
