// SPDX-License-Identifier: Apache-2.0
#include "engine/datasets/hdf5_stream.hpp"

#include <algorithm>
#include <utility>

#include "engine/datasets/examples.hpp"

namespace plumbline {

Hdf5Stream::Hdf5Stream(UserFile file, std::string identity, std::shared_ptr<const Hdf5Part> part,
                       std::size_t classes, std::size_t block_rows,
                       const std::vector<std::uint32_t>& rows)
    : file_(std::move(file)),
      identity_(std::move(identity)),
      part_(std::move(part)),
      classes_(classes) {
  members_.reserve(rows.size());
  for (std::size_t place = 0; place < rows.size(); ++place) {
    members_.push_back({rows[place], static_cast<std::uint32_t>(place)});
  }
  std::ranges::sort(members_, {}, &Member::row);
  for (std::size_t row = 0; row < part_->rows(); row += block_rows) {
    const auto begin = std::ranges::lower_bound(members_, row, {}, &Member::row);
    begins_.push_back(static_cast<std::size_t>(begin - members_.begin()));
  }
  begins_.push_back(members_.size());
}

std::vector<Hdf5Stream::Member> Hdf5Stream::members(std::size_t block) const {
  const auto at = [&](std::size_t b) {
    return members_.begin() + static_cast<std::ptrdiff_t>(begins_[b]);
  };
  std::vector<Member> members(at(block), at(block + 1));
  std::ranges::sort(members, {}, &Member::place);
  return members;
}

std::vector<std::uint32_t> Hdf5Stream::places(std::size_t block) const {
  std::vector<std::uint32_t> places;
  for (const Member& member : members(block)) places.push_back(member.place);
  return places;
}

Examples Hdf5Stream::read(std::size_t block) const {
  const std::vector<Member> wanted = members(block);
  if (wanted.empty()) return {};
  const std::uint32_t first = members_[begins_[block]].row;
  const std::uint32_t last = members_[begins_[block + 1] - 1].row;
  std::vector<std::uint32_t> rows;
  for (const Member& member : wanted) rows.push_back(member.row - first);
  const Examples read = part_->read(first, last - first + 1, classes_);
  file_.require_same(identity_, file_.identity());
  return select(read, rows);
}

}  // namespace plumbline
