// SPDX-License-Identifier: Apache-2.0
// Writing small HDF5 files for tests that read them.
#pragma once

#include <hdf5.h>

#include <filesystem>
#include <string>
#include <vector>

#include "engine/core/hdf5_handle.hpp"

namespace plumbline {

class Hdf5File {
 public:
  explicit Hdf5File(const std::filesystem::path& path) : check_(path.string()) {
    const hdf5::Turn turn;
    file_ = hdf5::Handle(
        check_(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), "create it"));
  }

  /// A dataset of the root group, stored as `type`; without a shape it is one number.
  void add(const std::string& name, const std::vector<hsize_t>& shape,
           const std::vector<double>& values, hid_t type = H5T_IEEE_F64LE) {
    const hdf5::Handle space(
        shape.empty() ? H5Screate(H5S_SCALAR)
                      : H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr));
    const hdf5::Handle dataset = create(name, type, space);
    check_(H5Dwrite(dataset.id(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()),
           "write " + name);
  }
  void add_text(const std::string& name) {
    const hdf5::Handle space(H5Screate(H5S_SCALAR));
    create(name, H5T_C_S1, space);
  }
  void add_null(const std::string& name) {
    const hdf5::Handle space(H5Screate(H5S_NULL));
    create(name, H5T_IEEE_F64LE, space);
  }
  void add_group(const std::string& name) {
    const hdf5::Handle group(
        check_(H5Gcreate2(file_.id(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
               "make a group"));
  }

 private:
  hdf5::Handle create(const std::string& name, hid_t type, const hdf5::Handle& space) {
    return hdf5::Handle(check_(H5Dcreate2(file_.id(), name.c_str(), type, space.id(), H5P_DEFAULT,
                                          H5P_DEFAULT, H5P_DEFAULT),
                               "create " + name));
  }

  hdf5::Check check_;
  hdf5::Handle file_;
};

}  // namespace plumbline
