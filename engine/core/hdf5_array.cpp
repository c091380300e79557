// SPDX-License-Identifier: Apache-2.0
#include "engine/core/hdf5_array.hpp"

#include "engine/core/hdf5_extent.hpp"
#include "engine/core/hdf5_handle.hpp"

namespace plumbline::hdf5 {

std::vector<std::string> names_in(const std::filesystem::path& path) {
  const Turn turn;
  const Check check(path.string());
  const Handle file = open_to_read(check);
  H5G_info_t info;
  check(H5Gget_info(file.id(), &info), "list its datasets");
  std::vector<std::string> names;
  for (hsize_t i = 0; i < info.nlinks; ++i) {
    const auto ask = [&](char* buffer, std::size_t size) {
      return check(hid_t{H5Lget_name_by_idx(file.id(), ".", H5_INDEX_NAME, H5_ITER_INC, i, buffer,
                                            size, H5P_DEFAULT)},
                   "list its datasets");
    };
    // The length comes without the closing NUL, for which there must be room.
    std::string name(static_cast<std::size_t>(ask(nullptr, 0)), '\0');
    ask(name.data(), name.size() + 1);
    names.push_back(std::move(name));
  }
  return names;
}

Array read_array(const std::filesystem::path& path, const std::string& name) {
  const Turn turn;
  const Check check(path.string());
  const Handle file = open_to_read(check);
  const std::string quoted = "'" + name + "'";
  if (check(H5Lexists(file.id(), name.c_str(), H5P_DEFAULT), "look for " + quoted) == 0) {
    check.refuse("has no dataset " + quoted);
  }
  const Handle object(check(H5Oopen(file.id(), name.c_str(), H5P_DEFAULT), "open " + quoted));
  if (H5Iget_type(object.id()) != H5I_DATASET) check.refuse(quoted + " is not a dataset");
  const Handle type(check(H5Dget_type(object.id()), "find the type of " + quoted));
  const H5T_class_t kind = H5Tget_class(type.id());
  if (kind != H5T_INTEGER && kind != H5T_FLOAT) check.refuse(quoted + " does not hold numbers");

  const std::string find_shape = "find the shape of " + quoted;
  const Handle space(check(H5Dget_space(object.id()), find_shape));
  if (H5Sget_simple_extent_type(space.id()) == H5S_NULL) check.refuse(quoted + " is empty");
  Array array{sides_of(check, object, quoted), {}};
  array.values.resize(
      static_cast<std::size_t>(check(hid_t{H5Sget_simple_extent_npoints(space.id())}, find_shape)));
  check(H5Dread(object.id(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, array.values.data()),
        "read " + quoted);
  return array;
}

}  // namespace plumbline::hdf5
