// SPDX-License-Identifier: Apache-2.0
#include "engine/core/hdf5_rows.hpp"

#include <stdexcept>

#include "engine/core/hdf5_extent.hpp"

namespace plumbline::hdf5 {

RowReader::RowReader(const std::filesystem::path& path, const std::string& name)
    : check_(path.string()), quoted_('\'' + name + '\''), file_(open_to_read(check_)) {
  const Turn turn;
  if (check_(H5Lexists(file_.id(), name.c_str(), H5P_DEFAULT), "look for " + quoted_) == 0) {
    check_.refuse("has no dataset " + quoted_);
  }
  dataset_ = Handle(check_(H5Oopen(file_.id(), name.c_str(), H5P_DEFAULT), "open " + quoted_));
  if (H5Iget_type(dataset_.id()) != H5I_DATASET) check_.refuse(quoted_ + " is not a dataset");
  const Handle type(check_(H5Dget_type(dataset_.id()), "find the type of " + quoted_));
  const H5T_class_t kind = H5Tget_class(type.id());
  if (kind != H5T_INTEGER && kind != H5T_FLOAT) check_.refuse(quoted_ + " does not hold numbers");
  holds_integers_ = kind == H5T_INTEGER;

  shape_ = sides_of(check_, dataset_, quoted_);
  if (shape_.empty()) check_.refuse(quoted_ + " has no rows: it is a single number, or empty");
  for (std::size_t axis = 1; axis < shape_.size(); ++axis) row_size_ *= shape_[axis];
}

void RowReader::read(std::size_t first, std::size_t count, std::span<float> values) const {
  if (values.size() != count * row_size_) throw std::invalid_argument("RowReader: room for others");
  read(first, count, H5T_NATIVE_FLOAT, values.data());
}

void RowReader::read(std::size_t first, std::size_t count, std::span<std::int64_t> values) const {
  if (values.size() != count * row_size_) throw std::invalid_argument("RowReader: room for others");
  read(first, count, H5T_NATIVE_INT64, values.data());
}

void RowReader::read(std::size_t first, std::size_t count, hid_t type, void* values) const {
  if (count == 0 || row_size_ == 0) return;
  const Turn turn;
  const std::string task = "read " + quoted_;
  std::vector<hsize_t> start(shape_.size(), 0);
  std::vector<hsize_t> extent(shape_.begin(), shape_.end());
  start.front() = first;
  extent.front() = count;
  const Handle from(check_(H5Dget_space(dataset_.id()), task));
  check_(
      H5Sselect_hyperslab(from.id(), H5S_SELECT_SET, start.data(), nullptr, extent.data(), nullptr),
      task);
  const Handle to(
      check_(H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr), task));
  check_(H5Dread(dataset_.id(), type, to.id(), from.id(), H5P_DEFAULT, values), task);
}

}  // namespace plumbline::hdf5
