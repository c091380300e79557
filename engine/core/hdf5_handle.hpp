// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <hdf5.h>

#include <string>
#include <string_view>
#include <utility>

namespace plumbline::hdf5 {

/// Sets the library up for this thread: no printing of its own, and no work at the end of the
/// program. Everything that calls HDF5 calls this first; it costs next to nothing.
void prepare();

/// "1.10.8": of the library that runs, not of the header.
std::string library_version();

/// Owns one identifier of the library, of any kind, and gives it back.
class Handle {
 public:
  Handle() = default;
  explicit Handle(hid_t id) : id_(id) {}
  ~Handle() { reset(); }
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)) {}
  Handle& operator=(Handle&& other) noexcept {
    if (this != &other) {
      reset();
      id_ = other.release();
    }
    return *this;
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  hid_t id() const { return id_; }
  explicit operator bool() const { return id_ >= 0; }
  hid_t release() { return std::exchange(id_, H5I_INVALID_HID); }
  void reset() {
    if (id_ >= 0) H5Idec_ref(id_);
    id_ = H5I_INVALID_HID;
  }

 private:
  hid_t id_ = H5I_INVALID_HID;
};

/// Turns the library's return values into exceptions about one file.
class Check {
 public:
  explicit Check(std::string path) : path_(std::move(path)) {}

  /// Returns `result`, or throws EnvironmentError where it is negative, which is how every function
  /// of the library fails: "PATH: cannot TASK: what the library says".
  hid_t operator()(hid_t result, std::string_view task) const {
    if (result < 0) fail(task);
    return result;
  }
  int operator()(int result, std::string_view task) const {
    if (result < 0) fail(task);
    return result;
  }

  /// Throws EnvironmentError with the library's last message.
  [[noreturn]] void fail(std::string_view task) const;
  /// Throws EnvironmentError: "PATH: MESSAGE".
  [[noreturn]] void refuse(std::string_view message) const;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Opens the file of `check` to read it. Calls prepare(). Without a lock: nobody changes a file that
/// others read, and network file systems often refuse locks.
Handle open_to_read(const Check& check);

}  // namespace plumbline::hdf5
