// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include "engine/core/settings.hpp"

namespace plumbline {

/// The settings of a run, as a list of ResolvedSetting. Runs of a plan differ in few of them and share the
/// others, as a plan may have a million runs.
class ResolvedSettings {
 public:
  class Iterator {
   public:
    using Place = std::vector<std::shared_ptr<const ResolvedSetting>>::const_iterator;
    using value_type = ResolvedSetting;
    using difference_type = std::ptrdiff_t;

    Iterator() = default;
    explicit Iterator(Place place) : place_(place) {}
    const ResolvedSetting& operator*() const { return **place_; }
    const ResolvedSetting* operator->() const { return place_->get(); }
    Iterator& operator++() {
      ++place_;
      return *this;
    }
    Iterator operator++(int) { return Iterator(place_++); }
    bool operator==(const Iterator&) const = default;

   private:
    Place place_;
  };

  ResolvedSettings() = default;
  explicit ResolvedSettings(std::vector<ResolvedSetting> settings);

  Iterator begin() const { return Iterator(settings_.begin()); }
  Iterator end() const { return Iterator(settings_.end()); }
  void push_back(ResolvedSetting setting) {
    settings_.push_back(std::make_shared<const ResolvedSetting>(std::move(setting)));
  }
  /// Keeps the other's setting wherever it is the same at the same place.
  void share_with(const ResolvedSettings& other);

 private:
  std::vector<std::shared_ptr<const ResolvedSetting>> settings_;
};

}  // namespace plumbline
