// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/results/provenance.hpp"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <fstream>

#include <CLI/Version.hpp>
#include <nlohmann/detail/abi_macros.hpp>
#include <xsimd/config/xsimd_config.hpp>

#include "engine/core/hdf5_handle.hpp"
#include "engine/core/tensor.hpp"
#include "engine/kernels/instruction_set.hpp"
#include "engine/training/run_configuration.hpp"
#include "experiments/runner/machine/available_processors.hpp"
#include "plumbline/build_info.hpp"

namespace plumbline {

namespace {

constexpr const char* kUnknown = "unknown";
constexpr double kGibibyte = 1024.0 * 1024.0 * 1024.0;

std::string known(std::string_view text) { return text.empty() ? kUnknown : std::string(text); }

/// What stands behind the colon in the first line of /proc/cpuinfo that begins with `field`.
std::string cpu_info(std::string_view field) {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with(field) && colon != std::string::npos) return line.substr(colon + 2);
  }
  return kUnknown;
}

/// "31.2 GiB"
std::string memory() {
  const long pages = sysconf(_SC_PHYS_PAGES);
  const long page_bytes = sysconf(_SC_PAGESIZE);
  if (pages <= 0 || page_bytes <= 0) return kUnknown;
  const double bytes = static_cast<double>(pages) * static_cast<double>(page_bytes);
  const std::string text = std::to_string(bytes / kGibibyte);
  return text.substr(0, text.find('.') + 2) + " GiB";
}

std::string version(int major, int minor, int patch) {
  return std::to_string(major) + '.' + std::to_string(minor) + '.' + std::to_string(patch);
}

std::string library_versions() {
  return "HDF5 " + hdf5::library_version() + ", xtensor " +
         version(XTENSOR_VERSION_MAJOR, XTENSOR_VERSION_MINOR, XTENSOR_VERSION_PATCH) + ", xsimd " +
         version(XSIMD_VERSION_MAJOR, XSIMD_VERSION_MINOR, XSIMD_VERSION_PATCH) +
         ", nlohmann-json " +
         version(NLOHMANN_JSON_VERSION_MAJOR, NLOHMANN_JSON_VERSION_MINOR,
                 NLOHMANN_JSON_VERSION_PATCH) +
         ", CLI11 " CLI11_VERSION;
}

}  // namespace

Provenance gather_provenance(const std::string& command_line, int threads) {
  utsname system{};
  const bool has_system = uname(&system) == 0;
  return {{"plumbline_version", known(build_info::kVersion)},
          {"git_commit", known(build_info::kGitCommit)},
          {"semantics_version", std::to_string(kSemanticsVersion)},
          {"compiler", known(build_info::kCompiler)},
          {"cxx_flags", std::string(build_info::kCxxFlags)},
          {"instruction_set", instruction_set()},
          {"cpu_model", cpu_info("model name")},
          {"cpu_count", std::to_string(allowed_processors())},
          {"memory", memory()},
          {"kernel", has_system ? std::string(system.sysname) + ' ' + system.release : kUnknown},
          {"library_versions", library_versions()},
          {"host", has_system ? std::string(system.nodename) : kUnknown},
          {"threads", std::to_string(threads)},
          {"command_line", command_line}};
}

std::string provenance_value(const Provenance& provenance, std::string_view name) {
  const auto found = std::ranges::find(provenance, name, &Provenance::value_type::first);
  return found == provenance.end() ? "" : found->second;
}

}  // namespace plumbline
