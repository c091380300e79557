// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/profile/profile_text.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string_view>

#include <fmt/format.h>

#include "experiments/runner/text/text_table.hpp"

namespace plumbline {

namespace {

std::string_view name_of(Precision precision) {
  return precision == Precision::float64 ? "float64" : "float32";
}

std::string counted(std::size_t n, std::string_view what) {
  return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
}

std::string microseconds(double seconds) { return short_number(1e6 * seconds); }
// Blank where nothing is counted.
std::string billions(double rate) { return rate > 0 ? fmt::format("{:.1f}", 1e-9 * rate) : ""; }
std::string share(double of) { return of > 0 ? fmt::format("{:.2f}", of) : ""; }
std::string megabytes(double bytes) { return bytes > 0 ? short_number(1e-6 * bytes, 3) : ""; }

// The two phases that every layer has.
struct LayerRows {
  const ProfileRow* forward = nullptr;
  const ProfileRow* backward = nullptr;
};

std::vector<LayerRows> rows_by_layer(const Profile& profile) {
  std::vector<LayerRows> layers(profile.layers);
  for (const ProfileRow& row : profile.rows) {
    if (row.work.layer == 0) continue;
    LayerRows& layer = layers[row.work.layer - 1];
    (row.work.phase == Phase::forward ? layer.forward : layer.backward) = &row;
  }
  return layers;
}

void write_phases(const Profile& profile, std::ostream& out) {
  TextTable table({{"phase"},
                   {"us a step", Align::right},
                   {"share", Align::right},
                   {"GFLOP/s", Align::right},
                   {"of peak", Align::right},
                   {"MB", Align::right},
                   {"beyond L2", Align::right},
                   {"limit, us", Align::right},
                   {"of limit", Align::right},
                   {"above it, us", Align::right}});
  for (const Phase phase : phases_of(profile)) {
    const ProfileRow row = whole_phase(profile, phase);
    const double rate = row.work.flops / row.seconds;
    table.add_row({std::string(to_string(phase)), microseconds(row.seconds),
                   share(row.seconds * profile.steps_per_second), billions(rate),
                   share(rate / profile.flops_per_second), megabytes(row.work.bytes),
                   megabytes(row.work.bytes_beyond_l2),
                   row.limit_seconds > 0 ? microseconds(row.limit_seconds) : "",
                   share(row.limit_seconds / row.seconds),
                   microseconds(row.seconds - row.limit_seconds)});
  }
  table.write_plain(out);
}

void write_layers(const Profile& profile, std::ostream& out) {
  TextTable table({{"layer", Align::right},
                   {"forward, us", Align::right},
                   {"GFLOP/s", Align::right},
                   {"MB", Align::right},
                   {"of limit", Align::right},
                   {"backward, us", Align::right},
                   {"GFLOP/s", Align::right},
                   {"MB", Align::right},
                   {"of limit", Align::right}});
  const auto cells = [](std::vector<std::string>& row, const ProfileRow& of) {
    row.push_back(microseconds(of.seconds));
    row.push_back(billions(of.work.flops / of.seconds));
    row.push_back(megabytes(of.work.bytes));
    row.push_back(share(of.limit_seconds / of.seconds));
  };
  const std::vector<LayerRows> layers = rows_by_layer(profile);
  for (std::size_t l = 0; l < layers.size(); ++l) {
    std::vector<std::string> row{std::to_string(l + 1)};
    cells(row, *layers[l].forward);
    cells(row, *layers[l].backward);
    table.add_row(std::move(row));
  }
  table.write_plain(out);
}

// The phases of a training step that have a limit, by the time they take above it.
void write_farthest(const Profile& profile, std::ostream& out) {
  constexpr std::size_t kShown = 3;
  std::vector<ProfileRow> wholes;
  for (const Phase phase : phases_of(profile)) {
    const ProfileRow row = whole_phase(profile, phase);
    if (row.limit_seconds > 0 && phase != Phase::evaluation) wholes.push_back(row);
  }
  const auto above = [](const ProfileRow& row) { return row.seconds - row.limit_seconds; };
  std::ranges::sort(wholes, std::ranges::greater(), above);
  out << "Most above their limit: ";
  for (std::size_t i = 0; i < std::min(kShown, wholes.size()); ++i) {
    out << (i == 0 ? "" : ", ")
        << fmt::format("{} {} us ({:.0f} % of a step)", to_string(wholes[i].work.phase),
                       microseconds(above(wholes[i])),
                       100 * above(wholes[i]) / profile.step_seconds);
  }
  out << '\n';
}

void write_scaling(const std::vector<ThreadScaling>& scaling, std::ostream& out) {
  if (scaling.size() < 2) return;
  out << "\nSo many of these runs at once, beside so many streams of multiply-adds\n\n";
  TextTable table({{"threads", Align::right},
                   {"steps/s", Align::right},
                   {"over one", Align::right},
                   {"streams over one", Align::right},
                   {"of streams", Align::right}});
  for (const ThreadScaling& one : scaling) {
    table.add_row({std::to_string(one.threads), short_number(one.steps_per_second),
                   share(one.over_one), share(one.streams_over_one),
                   share(one.over_one / one.streams_over_one)});
  }
  table.write_plain(out);
}

void write_counters(const Profile& profile, std::ostream& out) {
  if (!profile.counters.empty()) {
    out << "\nA step has ";
    for (std::size_t i = 0; i < profile.counters.size(); ++i) {
      std::string name = profile.counters[i].name;
      std::ranges::replace(name, '_', ' ');
      out << (i == 0 ? "" : ", ") << short_number(profile.counters[i].value) << ' ' << name;
    }
    out << '\n';
  }
  if (!profile.counters_missing.empty()) out << '\n' << profile.counters_missing << '\n';
}

}  // namespace

void write_ceiling(const Ceiling& ceiling, std::ostream& out) {
  std::vector<TextTable::Column> columns{{"ceiling"}, {"within", Align::right}};
  for (const int threads : ceiling.threads) {
    columns.push_back({counted(static_cast<std::size_t>(threads), "thread"), Align::right});
  }
  TextTable table(std::move(columns));
  const auto add = [&](std::string what, std::string where, const std::vector<double>& rates) {
    std::vector<std::string> row{std::move(what), std::move(where)};
    for (const double rate : rates) row.push_back(billions(rate));
    table.add_row(std::move(row));
  };
  for (const Precision precision : {Precision::float32, Precision::float64}) {
    add(fmt::format("multiply-adds {}, GFLOP/s", name_of(precision)), "registers",
        ceiling.flops(precision));
  }
  std::vector<std::string> streams{"streams of float32 over one", "registers"};
  for (const double ratio : ceiling.streams_over_one) streams.push_back(share(ratio));
  table.add_row(std::move(streams));
  for (const MemoryLevel& level : ceiling.levels) {
    add(level.name + " copy, GB/s", bytes_text(level.buffers), level.copy);
    add(level.name + " update, GB/s", bytes_text(level.buffers), level.update);
  }
  table.write_plain(out);
}

void write_profile(const Profile& profile, std::ostream& out) {
  out << profile.title << ": " << counted(profile.layers, "layer") << ", batch " << profile.batch
      << ", " << name_of(profile.precision) << ", one thread\n";
  out << fmt::format("{} timed, {} of them quiet; a step touches {}\n\n",
                     counted(profile.steps, "step"), profile.quiet_steps,
                     bytes_text(profile.working_set));
  write_ceiling(profile.ceiling, out);
  out << fmt::format(
      "\nA limit is operations / {:.1f} GFLOP/s + bytes beyond L2 / {:.1f} GB/s, within {}, "
      "the one after the other\n\n",
      1e-9 * profile.flops_per_second, 1e-9 * profile.bytes_per_second,
      bytes_text(profile.buffers));
  write_phases(profile, out);
  out << '\n';
  write_layers(profile, out);
  out << fmt::format(
      "\nA training step takes {} us, its limit {} us, a share of {:.2f}; with probes and "
      "evaluation {} "
      "steps/s\n",
      microseconds(profile.step_seconds), microseconds(profile.limit_seconds),
      profile.share_of_limit, short_number(profile.steps_per_second));
  write_farthest(profile, out);
  write_scaling(profile.scaling, out);
  write_counters(profile, out);
  if (std::isfinite(profile.recording_seconds)) {
    out << fmt::format(
        "Recording the run takes {} us of the writer's thread, {} us a step\n",
        short_number(1e6 * profile.recording_seconds),
        short_number(1e6 * profile.recording_seconds / static_cast<double>(profile.updates)));
  }
  if (!profile.diverged.empty()) out << "\nThe run diverged: " << profile.diverged << '\n';
}

}  // namespace plumbline
