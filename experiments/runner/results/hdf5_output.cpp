// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/results/hdf5_output.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <system_error>
#include <utility>

#include "experiments/runner/results/force_to_disk.hpp"
#include "experiments/runner/results/output_path.hpp"
#include "experiments/runner/results/seal.hpp"

namespace plumbline::hdf5 {

namespace {

[[noreturn]] void refuse_with_errno(const Check& check, const std::string& task) {
  check.refuse("cannot " + task + ": " + std::generic_category().message(errno));
}

/// The descriptor that the library writes to; -1 where it does not tell.
int descriptor_of(hid_t file) {
  void* driver = nullptr;
  if (H5Fget_vfd_handle(file, H5P_DEFAULT, &driver) < 0 || driver == nullptr) return -1;
  return *static_cast<int*>(driver);
}

std::uintmax_t size_of(const Check& check, hid_t file) {
  hsize_t size = 0;
  check(H5Fget_filesize(file, &size), "find its size");
  return size;
}

/// Takes the disk space that the file may need to its end. After a failed flush the library can
/// neither write a file nor let it go (1.10.8: "slist already enabled?"), so none may begin in
/// vain.
void reserve_space(const Check& check, hid_t file) {
  // Some of what is not written yet has no place in the file yet, and so is not in its size.
  constexpr std::uintmax_t kMargin = 1 << 20;
  const std::uintmax_t size = size_of(check, file);
  const int descriptor = descriptor_of(file);
  if (descriptor < 0) return;
  errno = ::posix_fallocate(descriptor, 0, static_cast<off_t>(size + size / 8 + kMargin));
  // Other errors are those of file systems that cannot reserve.
  if (errno == ENOSPC || errno == EFBIG || errno == EDQUOT || errno == EIO) {
    refuse_with_errno(check, "write its " + std::to_string(size) + " bytes");
  }
}

/// Gives back what was reserved beyond the end of the closed file.
void return_space(const Check& check, const std::filesystem::path& path, std::uintmax_t size) {
  std::error_code error;
  if (std::filesystem::file_size(path, error) > size && !error) {
    std::filesystem::resize_file(path, size, error);
  }
  if (error) check.refuse("cannot set its size: " + error.message());
}

Handle create(const Check& check, const std::filesystem::path& path) {
  const Handle access(check(H5Pcreate(H5P_FILE_ACCESS), "prepare its creation"));
  // The format of HDF5 1.8, which every netCDF-4 reader knows.
  check(H5Pset_libver_bounds(access.id(), H5F_LIBVER_V18, H5F_LIBVER_V18), "set its format");
  // The driver whose handle is a file descriptor: descriptor_of() counts on it.
  check(H5Pset_fapl_sec2(access.id()), "set its driver");
  // No lock: nobody else knows the temporary name, and network file systems often refuse locks.
  check(H5Pset_file_locking(access.id(), 0, 1), "set its locking");
  // netCDF-4 reads the order of creation as the order of variables and attributes.
  constexpr unsigned kTracked = H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED;
  const Handle creation(check(H5Pcreate(H5P_FILE_CREATE), "prepare its creation"));
  check(H5Pset_link_creation_order(creation.id(), kTracked), "track the order of its variables");
  check(H5Pset_attr_creation_order(creation.id(), kTracked), "track the order of its attributes");
  return Handle(
      check(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation.id(), access.id()), "create it"));
}

}  // namespace

OutputFile::OutputFile(std::filesystem::path path)
    : path_(std::move(path)), temporary_(temporary_name(path_)), check_(path_.string()) {
  const Turn turn;
  try {
    file_ = create(check_, temporary_);
  } catch (...) {
    remove_temporary();
    throw;
  }
}

OutputFile::~OutputFile() {
  if (!file_) return;
  const Turn turn;
  file_.reset();
  remove_temporary();
}

void OutputFile::start_writing_back() noexcept {
  const Turn turn;
  const int descriptor = descriptor_of(file_.id());
  if (descriptor >= 0) ::sync_file_range(descriptor, 0, 0, SYNC_FILE_RANGE_WRITE);
}

void OutputFile::publish(bool sealed) {
  const Turn turn;
  reserve_space(check_, file_.id());
  check_(H5Fflush(file_.id(), H5F_SCOPE_GLOBAL), "write it");
  const std::uintmax_t size = size_of(check_, file_.id());
  try {
    check_(H5Fclose(file_.release()), "close it");
    return_space(check_, temporary_, size);
    if (sealed) append_seal(temporary_);
    if (const std::error_code error = force_to_disk(temporary_)) {
      check_.refuse("cannot force it to disk: " + error.message());
    }
    if (::rename(temporary_.c_str(), path_.c_str()) != 0)
      refuse_with_errno(check_, "give it its name");
  } catch (...) {
    remove_temporary();
    throw;
  }
  if (const std::error_code error = force_name_to_disk(path_)) {
    check_.refuse("cannot force its folder to disk: " + error.message());
  }
}

void OutputFile::remove_temporary() noexcept { ::unlink(temporary_.c_str()); }

}  // namespace plumbline::hdf5
