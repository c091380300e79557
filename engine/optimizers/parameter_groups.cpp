// SPDX-License-Identifier: Apache-2.0
#include "engine/optimizers/parameter_groups.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace plumbline {

namespace {

constexpr std::array kGroups = {ParameterGroup::input,    ParameterGroup::hidden,
                                ParameterGroup::output,   ParameterGroup::bias,
                                ParameterGroup::norm,     ParameterGroup::activation,
                                ParameterGroup::recurrent};

const char* members_of(ParameterGroup group) {
  switch (group) {
    case ParameterGroup::input:
      return "the table of an embedding, else weights of the first of several layers";
    case ParameterGroup::hidden:
      return "weights of the layers between the first and the last";
    case ParameterGroup::output:
      return "weights of the last layer";
    case ParameterGroup::bias:
      return "biases of all layers";
    case ParameterGroup::recurrent:
      return "weights of recurrent layers over their state";
    case ParameterGroup::norm:
      return "gains and shifts of normalization, learned scales of residual blocks, peepholes";
    case ParameterGroup::activation:
      return "what activations learn, such as prelu's slopes";
  }
  return "";
}

/// Some tensors of a block, gathered into a block of their own.
class Part {
 public:
  void add(const ParameterTensor& tensor, std::size_t index) {
    layout_.add(tensor.name, tensor.layer, tensor.group, tensor.rows, tensor.cols);
    offsets_.push_back(tensor.offset);
    indices_.push_back(index);
  }

  const ParameterLayout& layout() const { return layout_; }
  /// The index in the whole layout of a tensor of the part.
  std::size_t index_in_whole(std::size_t tensor) const { return indices_[tensor]; }

  template <typename T>
  void gather(std::span<const T> whole, std::span<T> part) const {
    for (std::size_t i = 0; i < offsets_.size(); ++i) {
      const ParameterTensor& tensor = layout_.tensors()[i];
      std::copy_n(whole.data() + offsets_[i], tensor.size(), part.data() + tensor.offset);
    }
  }
  template <typename T>
  void scatter(std::span<const T> part, std::span<T> whole) const {
    for (std::size_t i = 0; i < offsets_.size(); ++i) {
      const ParameterTensor& tensor = layout_.tensors()[i];
      std::copy_n(part.data() + tensor.offset, tensor.size(), whole.data() + offsets_[i]);
    }
  }

 private:
  ParameterLayout layout_;
  std::vector<std::size_t> offsets_;
  std::vector<std::size_t> indices_;
};

/// The objective as a function of one part, while the other parameters stay where they are.
template <typename T>
class PartObjective final : public Objective<T> {
 public:
  PartObjective(Objective<T>& whole, const Part& part, std::span<const T> parameters)
      : whole_(whole),
        part_(part),
        parameters_(parameters.begin(), parameters.end()),
        block_(parameters.size()) {}

  double loss(std::span<const T> parameters) override { return whole_.loss(moved_to(parameters)); }
  double gradient(std::span<const T> parameters, std::span<T> gradient) override {
    const double loss = whole_.gradient(moved_to(parameters), block_);
    part_.gather(std::span<const T>(block_), gradient);
    return loss;
  }
  void gauss_newton_product(std::span<const T> parameters, std::span<const T> direction,
                            std::span<T> product) override {
    std::vector<T> whole_direction(block_.size());
    part_.scatter(direction, std::span<T>(whole_direction));
    whole_.gauss_newton_product(moved_to(parameters), whole_direction, block_);
    part_.gather(std::span<const T>(block_), product);
  }
  void sampled_gradient(std::span<const T> parameters, std::uint32_t draw,
                        std::span<T> gradient) override {
    whole_.sampled_gradient(moved_to(parameters), draw, block_);
    part_.gather(std::span<const T>(block_), gradient);
  }
  typename Objective<T>::LayerPass layer_pass(std::size_t tensor) override {
    return whole_.layer_pass(part_.index_in_whole(tensor));
  }
  std::size_t examples() const override { return whole_.examples(); }

 private:
  std::span<const T> moved_to(std::span<const T> parameters) {
    part_.scatter(parameters, std::span<T>(parameters_));
    return parameters_;
  }

  Objective<T>& whole_;
  const Part& part_;
  std::vector<T> parameters_;
  std::vector<T> block_;
};

template <typename T>
class GroupedOptimizer final : public Optimizer<T> {
 public:
  struct Member {
    Part part;
    std::unique_ptr<Optimizer<T>> optimizer;
    std::vector<T> parameters = {};
    std::vector<T> gradient = {};
  };

  GroupedOptimizer(std::vector<Member> members, const ParameterLayout& layout)
      : members_(std::move(members)), evaluation_point_(layout.size()) {
    for (Member& member : members_) {
      member.parameters.resize(member.part.layout().size());
      member.gradient.resize(member.part.layout().size());
    }
  }

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    for (Member& member : members_) {
      member.part.gather(std::span<const T>(parameters), std::span<T>(member.parameters));
      member.part.gather(gradient, std::span<T>(member.gradient));
      if (context.objective == nullptr) {
        member.optimizer->step(member.parameters, member.gradient, context);
        continue;
      }
      PartObjective<T> objective(*context.objective, member.part, parameters);
      StepContext<T> own = context;
      own.objective = &objective;
      member.optimizer->step(member.parameters, member.gradient, own);
    }
    // Behind all of them: an objective that one asks sees the others where the step began.
    for (const Member& member : members_) {
      member.part.scatter(std::span<const T>(member.parameters), parameters);
    }
  }
  void archive(StateArchive& kept) override {
    for (Member& member : members_) member.optimizer->archive(kept);
  }
  std::size_t state_size() const override {
    std::size_t size = evaluation_point_.size();
    for (const Member& member : members_) {
      size += member.optimizer->state_size() + member.parameters.size() + member.gradient.size();
    }
    return size;
  }
  std::size_t state_size_over(const ParameterLayout& layout) const override {
    std::size_t size =
        3 * layout.size();  // where they evaluate, the parts' parameters and gradients
    for (const Member& member : members_) {
      Part part;
      for (std::size_t index = 0; index < layout.tensors().size(); ++index) {
        const ParameterTensor& tensor = layout.tensors()[index];
        const std::vector<ParameterTensor>& own = member.part.layout().tensors();
        const auto same_group = std::ranges::find(own, tensor.group, &ParameterTensor::group);
        if (same_group != own.end()) part.add(tensor, index);
      }
      size += member.optimizer->state_size_over(part.layout());
    }
    return size;
  }
  std::vector<StateBlock> state() const override {
    std::vector<StateBlock> blocks;
    for (const Member& member : members_) {
      for (const StateBlock& own : member.optimizer->state()) {
        if (own.values.empty()) continue;
        constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
        StateBlock whole(own.name, std::vector<double>(evaluation_point_.size(), kNone));
        member.part.scatter(std::span<const double>(own.values), std::span<double>(whole.values));
        blocks.push_back(std::move(whole));
      }
    }
    return blocks;
  }
  std::vector<UpdateRule> rules(const ParameterTensor& tensor) const override {
    for (const Member& member : members_) {
      const std::vector<ParameterTensor>& own = member.part.layout().tensors();
      const auto found = std::ranges::find(own, tensor.name, &ParameterTensor::name);
      if (found != own.end()) return member.optimizer->rules(*found);
    }
    return {};
  }
  bool looks_into_layers() const override {
    return std::ranges::any_of(
        members_, [](const Member& member) { return member.optimizer->looks_into_layers(); });
  }
  bool draws_targets() const override {
    return std::ranges::any_of(
        members_, [](const Member& member) { return member.optimizer->draws_targets(); });
  }
  bool asks_for_gradients() const override {
    return std::ranges::any_of(
        members_, [](const Member& member) { return member.optimizer->asks_for_gradients(); });
  }
  bool keeps_position() const override {
    return std::ranges::any_of(
        members_, [](const Member& member) { return member.optimizer->keeps_position(); });
  }
  std::span<const T> evaluation_point(std::span<const T> parameters) override {
    for (Member& member : members_) {
      member.part.gather(parameters, std::span<T>(member.parameters));
      member.part.scatter(member.optimizer->evaluation_point(member.parameters),
                          std::span<T>(evaluation_point_));
    }
    return evaluation_point_;
  }

 private:
  std::vector<Member> members_;
  std::vector<T> evaluation_point_;
};

/// The settings of `base` with those of `own` in their places; inner tables likewise.
SettingsTable overlaid(SettingsTable base, const SettingsTable& own) {
  for (const auto& [name, node] : own.entries()) {
    const SettingNode* below = base.find(name);
    const auto* table = std::get_if<SettingsTable>(&node.value);
    const auto* base_table = below == nullptr ? nullptr : std::get_if<SettingsTable>(&below->value);
    if (table != nullptr && base_table != nullptr) {
      base.set(name, {overlaid(*base_table, *table), node.place});
    } else {
      base.set(name, node);
    }
  }
  return base;
}

template <typename T>
std::unique_ptr<Optimizer<T>> made(const Chosen<OptimizerEntry>& chosen, SettingsReport& report,
                                   const ParameterLayout& layout) {
  return chosen.make(report, [&](const OptimizerEntry& entry, Settings& own) {
    return entry.make<T>(own, layout);
  });
}

/// What a group's table says, over the settings of the whole optimizer.
Chosen<OptimizerEntry> chosen_for_group(const Chosen<OptimizerEntry>& base,
                                        const SettingsTable& own, const std::string& path,
                                        const Place& place, SettingsReport& report) {
  const Catalogue<OptimizerEntry>& catalogue = optimizer_catalogue();
  const bool other_kind = own.find("name") != nullptr;
  const SettingsTable given = other_kind ? own : overlaid(base.plugin.given, own);
  Settings settings(given, path, report, place);
  return choose_here(settings, base.plugin.name, catalogue);
}

}  // namespace

template <typename T>
std::unique_ptr<Optimizer<T>> make_optimizer(const Chosen<OptimizerEntry>& chosen,
                                             SettingsReport& report,
                                             const ParameterLayout& layout) {
  const SettingNode* groups = chosen.plugin.given.find("groups");
  if (groups == nullptr) return made<T>(chosen, report, layout);

  Chosen<OptimizerEntry> base = chosen;
  base.plugin.given = {};
  for (const auto& [name, node] : chosen.plugin.given.entries()) {
    if (name != "groups") base.plugin.given.set(name, node);
  }
  const std::string path = chosen.plugin.path + ".groups";
  const auto* tables = std::get_if<SettingsTable>(&groups->value);
  if (tables == nullptr) {
    report.problems.push_back({groups->place, "'" + path + "' is " + type_name(*groups) +
                                                  "; expected a table for each group"});
    return made<T>(base, report, layout);
  }

  std::vector<typename GroupedOptimizer<T>::Member> members(1);  // the first is for all the rest
  std::vector<std::size_t> member_of(kGroups.size(), 0);
  const std::size_t first_own = report.problems.size();
  made<double>(base, report, ParameterLayout());
  const std::vector<Problem> of_base(
      report.problems.begin() + static_cast<std::ptrdiff_t>(first_own), report.problems.end());
  std::vector<Chosen<OptimizerEntry>> choices = {base};
  for (const auto& [name, node] : tables->entries()) {
    std::vector<std::string> known;
    for (const ParameterGroup group : kGroups) known.emplace_back(to_string(group));
    const auto found = std::ranges::find(known, name);
    const auto* own = std::get_if<SettingsTable>(&node.value);
    if (found == known.end()) {
      report.problems.push_back(
          {node.place,
           "'" + path + '.' + name + "' is not a parameter group" + suggestion(name, known)});
    } else if (own == nullptr) {
      report.problems.push_back({node.place, "'" + path + '.' + name + "' is " + type_name(node) +
                                                 "; expected a table of settings"});
    } else {
      // What is wrong in the settings of the whole is said once, not for each group again.
      SettingsReport group_report;
      Chosen<OptimizerEntry> choice =
          chosen_for_group(base, *own, path + '.' + name, node.place, group_report);
      if (choice.entry != nullptr) made<double>(choice, group_report, ParameterLayout());
      for (Problem& problem : group_report.problems) {
        const bool repeated =
            std::ranges::find(of_base, problem.place, &Problem::place) != of_base.end();
        if (!repeated) report.problems.push_back(std::move(problem));
      }
      std::ranges::move(group_report.resolved, std::back_inserter(report.resolved));
      if (choice.entry == nullptr) continue;
      member_of[static_cast<std::size_t>(found - known.begin())] = members.size();
      members.emplace_back();
      choices.push_back(std::move(choice));
    }
  }

  for (std::size_t index = 0; index < layout.tensors().size(); ++index) {
    const ParameterTensor& tensor = layout.tensors()[index];
    members[member_of[static_cast<std::size_t>(tensor.group)]].part.add(tensor, index);
  }
  for (std::size_t i = 0; i < members.size(); ++i) {
    SettingsReport checked_before;
    members[i].optimizer = made<T>(choices[i], checked_before, members[i].part.layout());
  }
  if (layout.size() > 0) {
    std::erase_if(members, [](const auto& member) { return member.part.layout().size() == 0; });
  }
  return std::make_unique<GroupedOptimizer<T>>(std::move(members), layout);
}

ParameterLayout one_of_each_group() {
  ParameterLayout layout;
  for (const ParameterGroup group : kGroups) {
    layout.add(std::string(to_string(group)), 1, group, 1, 1);
  }
  return layout;
}

std::vector<SettingInfo> parameter_group_tables() {
  std::vector<SettingInfo> tables;
  for (const ParameterGroup group : kGroups) {
    tables.push_back({std::string(to_string(group)),
                      "table",
                      {SettingsTable(), {}},
                      "settings of an optimizer",
                      members_of(group)});
  }
  return tables;
}

template std::unique_ptr<Optimizer<float>> make_optimizer<float>(const Chosen<OptimizerEntry>&,
                                                                 SettingsReport&,
                                                                 const ParameterLayout&);
template std::unique_ptr<Optimizer<double>> make_optimizer<double>(const Chosen<OptimizerEntry>&,
                                                                   SettingsReport&,
                                                                   const ParameterLayout&);

}  // namespace plumbline
