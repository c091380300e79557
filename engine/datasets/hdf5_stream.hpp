// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/datasets/dataset.hpp"
#include "engine/datasets/hdf5_part.hpp"
#include "engine/datasets/user_file.hpp"

namespace plumbline {

/// The examples of some rows of an HDF5 file, in blocks of so many rows of the file.
class Hdf5Stream final : public ExampleStream {
 public:
  /// `rows[place]` is the row of an example; none stands there twice. The file must be that of `part`, and
  /// as long as the stream is read have the same identity: reading throws EnvironmentError where it has
  /// changed.
  Hdf5Stream(UserFile file, std::string identity, std::shared_ptr<const Hdf5Part> part,
             std::size_t classes, std::size_t block_rows, const std::vector<std::uint32_t>& rows);

  std::size_t size() const override { return members_.size(); }
  std::size_t blocks() const override { return begins_.size() - 1; }
  std::vector<std::uint32_t> places(std::size_t block) const override;
  Examples read(std::size_t block) const override;

 private:
  struct Member {
    std::uint32_t row;
    std::uint32_t place;
  };
  // Of a block, in the order of their places.
  std::vector<Member> members(std::size_t block) const;

  UserFile file_;
  std::string identity_;
  std::shared_ptr<const Hdf5Part> part_;
  std::size_t classes_;
  std::vector<Member> members_;      // in the order of their rows
  std::vector<std::size_t> begins_;  // of each block among the members, and their end
};

}  // namespace plumbline
