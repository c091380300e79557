// SPDX-License-Identifier: Apache-2.0
#include "engine/datasets/examples.hpp"

#include <algorithm>

namespace plumbline {

Examples room_for(std::size_t count, const Examples& like) {
  Examples room;
  room.inputs = Matrix<float>(Matrix<float>::shape_type{count, like.inputs.shape()[1]});
  room.labels.resize(count * (like.labels.size() / like.size()));
  if (like.values.shape()[0] > 0) {
    room.values = Matrix<float>(Matrix<float>::shape_type{count, like.values.shape()[1]});
  }
  return room;
}

void copy_example(const Examples& source, std::size_t from, Examples& room, std::size_t to) {
  const auto copy = [&](const auto* numbers, std::size_t count, auto* target) {
    std::copy_n(numbers + from * count, count, target + to * count);
  };
  copy(source.inputs.data(), source.inputs.shape()[1], room.inputs.data());
  copy(source.labels.data(), source.labels.size() / source.size(), room.labels.data());
  if (source.values.shape()[0] == 0) return;
  copy(source.values.data(), source.values.shape()[1], room.values.data());
}

Examples select(const Examples& examples, std::span<const std::uint32_t> indices) {
  if (examples.size() == 0) return examples;
  Examples selected = room_for(indices.size(), examples);
  for (std::size_t i = 0; i < indices.size(); ++i) {
    copy_example(examples, indices[i], selected, i);
  }
  return selected;
}

Examples held(const ExampleStream& stream) {
  Examples all;
  for (std::size_t block = 0; block < stream.blocks(); ++block) {
    const std::vector<std::uint32_t> places = stream.places(block);
    if (places.empty()) continue;
    const Examples examples = stream.read(block);
    if (all.size() == 0) all = room_for(stream.size(), examples);
    for (std::size_t i = 0; i < places.size(); ++i) copy_example(examples, i, all, places[i]);
  }
  return all;
}

}  // namespace plumbline
