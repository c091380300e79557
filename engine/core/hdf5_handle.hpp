// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <hdf5.h>

#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace plumbline::hdf5 {

/// This thread's turn with the library, which serves one thread at a time: as long as one lives, no
/// other thread gets one. A thread may hold several. Everything that calls HDF5 holds one from the first
/// call of a task to the reading of its error. The first sets the library up: no printing of its own, and
/// no work at the end of the program.
class Turn {
 public:
  Turn();

  /// For a process that is a copy of this one, made by the thread that has the turn: its only thread, which
  /// is another to the system, can have the turn again.
  static void begin_in_copy();

 private:
  std::unique_lock<std::recursive_mutex> lock_;
};

/// "1.10.8": of the library that runs, not of the header.
std::string library_version();

/// Owns one identifier of the library, of any kind, and gives it back in a turn of its own.
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
    if (id_ < 0) return;
    const Turn turn;
    H5Idec_ref(release());
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

/// Opens the file of `check` to read it. Without a lock on it: nobody changes a file that
/// others read, and network file systems often refuse locks.
Handle open_to_read(const Check& check);

}  // namespace plumbline::hdf5
