// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <thread>

#include "engine/training/run_record.hpp"

namespace plumbline {

/// How far a sweep is, over all of its stages. A cost is that of a run's plan, in any unit.
struct ProgressCounts {
  std::size_t done = 0;  ///< complete, diverged and failed
  std::size_t total = 0;
  std::size_t failed = 0;
  std::size_t diverged = 0;
  double cost_done = 0;  ///< of the runs that this call has brought to an end
  double cost_total = 0;
  double elapsed_seconds = 0;
  double cost_computed = 0;  ///< of `cost_done`, what was not spared by ending early
  std::size_t before = 0;    ///< of `done`: finished by an earlier call, at no cost to this one
  double earlier_rate = 0;   ///< cost in a second of earlier calls; 0 where there is none
};

/// remaining cost / (computed cost per second), as if every run left were computed whole. Until this call
/// has computed anything, by the rate of earlier ones; nothing where there is none either.
std::optional<double> eta_seconds(const ProgressCounts& counts);

/// "0.35 s", "4.2 s", "16 s", "3 min 05 s", "2 h 14 min", "3 d 04 h".
std::string duration_text(double seconds);

/// "37 of 240 runs, 12.3 runs/s, about 16 s left, 1 diverged, 0 failed"; at the end "in 18 s" stands
/// in the place of the time left. "240 of 240 runs, nothing to be computed" where that is so.
std::string plain_line(const ProgressCounts& counts);

/// The same in short, at most `columns` wide; with `colour`, counts of diverged and failed runs that
/// are not zero stand in yellow and red. No line break.
std::string live_line(const ProgressCounts& counts, std::size_t columns, bool colour);

/// {"done":37,"total":240,"failed":0,"diverged":1,"elapsed_seconds":3.0,"eta_seconds":16.46}, the
/// last null where it is unknown.
std::string json_line(const ProgressCounts& counts);

enum class ProgressMode { live, plain, json, none };

/// The mode that `--progress NAME` asks for; `auto` is live on a terminal and plain elsewhere.
ProgressMode progress_mode(std::string_view name, bool terminal);

/// What a live line needs to know of its terminal.
struct TerminalStyle {
  std::size_t columns = 80;
  bool colour = false;
};

/// The style of the terminal that standard error is: its width, and colour unless NO_COLOR is set.
TerminalStyle standard_error_style();

/// Tells on `out` how far a sweep is: a line that is drawn again and again (live), a line every 10 s
/// (plain), or an object every 10 s, the first at once, and where runs have finished every 0.5 s (json); plain
/// and json tell the end state too. Any thread may call any member.
class Progress {
 public:
  /// Seconds since any fixed moment, never falling.
  using Clock = std::function<double()>;

  Progress(ProgressMode mode, std::ostream& out, std::size_t total, double cost_total, Clock clock,
           TerminalStyle style = {});

  /// So many runs of the sweep are done without this call.
  void begin_with(std::size_t finished_before);
  /// Earlier calls did so much cost in a second.
  void judge_by(double earlier_rate);
  /// So many runs of this cost together are still to come, those of later stages too.
  void expect(std::size_t runs, double cost);
  /// A run has ended with this status; `cost` is its part of the total cost, of which `computed` was
  /// computed.
  void finished(RunStatus status, double cost, double computed);
  /// Tells what is due by the clock. To be called several times a second.
  void tick();
  /// Tells something beside the counts, in a line of its own, or a message_object().
  void say(const std::string& line);
  /// Clears the live line, or tells the end state.
  void end();

 private:
  void tell();
  bool is_json_due(double now) const;
  void write_line(const std::string& line);

  std::mutex mutex_;
  ProgressMode mode_;
  std::ostream& out_;
  Clock clock_;
  TerminalStyle style_;
  ProgressCounts counts_;
  double started_;
  std::optional<double> told_;      ///< when the last line was written
  std::optional<double> told_run_;  ///< the last one that told of a finished run
  std::size_t told_done_ = 0;
};

/// Ticks a Progress from a thread of its own; at the end of its life it stops and ends the Progress.
class ProgressTicker {
 public:
  explicit ProgressTicker(Progress& progress);
  ~ProgressTicker();
  ProgressTicker(const ProgressTicker&) = delete;
  ProgressTicker& operator=(const ProgressTicker&) = delete;

 private:
  Progress& progress_;
  std::jthread thread_;
};

}  // namespace plumbline
