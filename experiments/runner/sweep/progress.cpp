// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/sweep/progress.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "experiments/runner/text/counted.hpp"
#include "experiments/runner/text/json_messages.hpp"
#include "experiments/runner/text/text_table.hpp"

namespace plumbline {

namespace {

constexpr double kPlainSeconds = 10;  // json too
constexpr double kJsonSeconds = 0.5;  // where runs have finished
constexpr double kLiveSeconds = 0.1;
constexpr std::chrono::milliseconds kTickInterval{200};

constexpr const char* kClearToEndOfLine = "\033[K";
constexpr const char* kRed = "\033[31m";
constexpr const char* kYellow = "\033[33m";
constexpr const char* kPlainInk = "\033[0m";

std::string rate_text(const ProgressCounts& counts) {
  if (counts.done == counts.before || counts.elapsed_seconds <= 0) return "? runs/s";
  const auto computed = static_cast<double>(counts.done - counts.before);
  return short_number(computed / counts.elapsed_seconds, 3) + " runs/s";
}

double rounded_to_milliseconds(double seconds) { return std::round(seconds * 1e3) / 1e3; }

}  // namespace

std::optional<double> eta_seconds(const ProgressCounts& counts) {
  if (counts.done == counts.total) return 0.0;
  const double remaining = std::max(counts.cost_total - counts.cost_done, 0.0);
  if (counts.cost_computed > 0 && counts.elapsed_seconds > 0) {
    return remaining / (counts.cost_computed / counts.elapsed_seconds);
  }
  if (counts.earlier_rate <= 0) return std::nullopt;
  return std::max(remaining / counts.earlier_rate - counts.elapsed_seconds, 0.0);
}

std::string duration_text(double seconds) {
  constexpr std::int64_t kMinute = 60;
  constexpr std::int64_t kHour = 60 * kMinute;
  constexpr std::int64_t kDay = 24 * kHour;
  if (seconds < 0.995) return fmt::format("{:.2f} s", seconds);
  if (seconds < 9.95) return fmt::format("{:.1f} s", seconds);
  const std::int64_t whole = std::llround(seconds);
  if (whole < kMinute) return fmt::format("{} s", whole);
  if (whole < kHour) return fmt::format("{} min {:02} s", whole / kMinute, whole % kMinute);
  if (whole < kDay) return fmt::format("{} h {:02} min", whole / kHour, whole % kHour / kMinute);
  return fmt::format("{} d {:02} h", whole / kDay, whole % kDay / kHour);
}

std::string plain_line(const ProgressCounts& counts) {
  if (counts.done == counts.total && counts.done == counts.before) {
    return fmt::format("{} of {}, nothing to be computed", counts.done,
                       counted(counts.total, "run"));
  }
  const std::optional<double> eta = eta_seconds(counts);
  std::string left = eta ? "about " + duration_text(*eta) + " left" : "time left unknown";
  if (counts.done == counts.total) left = "in " + duration_text(counts.elapsed_seconds);
  return fmt::format("{} of {}, {}, {}, {} diverged, {} failed", counts.done,
                     counted(counts.total, "run"), rate_text(counts), left, counts.diverged,
                     counts.failed);
}

std::string live_line(const ProgressCounts& counts, std::size_t columns, bool colour) {
  std::string line;
  std::size_t width = 0;
  // Parts that don't fit are left out whole, so that no escape sequence is cut and no line wraps.
  const auto add = [&](const std::string& part, const char* ink) {
    const std::size_t gap = line.empty() ? 0 : 2;
    if (width + gap + part.size() > columns) return;
    width += gap + part.size();
    line.append(gap, ' ');
    line += ink == nullptr ? part : ink + part + kPlainInk;
  };
  const auto ink_unless_zero = [colour](std::size_t count, const char* ink) {
    return colour && count > 0 ? ink : nullptr;
  };
  const std::optional<double> eta = eta_seconds(counts);
  add(fmt::format("{}/{}", counts.done, counted(counts.total, "run")), nullptr);
  add(rate_text(counts), nullptr);
  add("ETA " + (eta ? duration_text(*eta) : "?"), nullptr);
  add(fmt::format("{} diverged", counts.diverged), ink_unless_zero(counts.diverged, kYellow));
  add(fmt::format("{} failed", counts.failed), ink_unless_zero(counts.failed, kRed));
  return line;
}

std::string json_line(const ProgressCounts& counts) {
  const std::optional<double> eta = eta_seconds(counts);
  nlohmann::ordered_json object;
  object["done"] = counts.done;
  object["total"] = counts.total;
  object["failed"] = counts.failed;
  object["diverged"] = counts.diverged;
  object["elapsed_seconds"] = rounded_to_milliseconds(counts.elapsed_seconds);
  object["eta_seconds"] = nullptr;
  if (eta) object["eta_seconds"] = rounded_to_milliseconds(*eta);
  return object.dump();
}

ProgressMode progress_mode(std::string_view name, bool terminal) {
  if (name == "json") return ProgressMode::json;
  if (name == "none") return ProgressMode::none;
  return name == "auto" && terminal ? ProgressMode::live : ProgressMode::plain;
}

TerminalStyle standard_error_style() {
  TerminalStyle style;
  winsize size{};
  // The last column stays free: some terminals wrap as soon as it is written.
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1) {
    style.columns = size.ws_col - 1U;
  }
  const char* no_color = std::getenv("NO_COLOR");
  style.colour = no_color == nullptr || *no_color == '\0';
  return style;
}

Progress::Progress(ProgressMode mode, std::ostream& out, std::size_t total, double cost_total,
                   Clock clock, TerminalStyle style)
    : mode_(mode), out_(out), clock_(std::move(clock)), style_(style), started_(clock_()) {
  counts_.total = total;
  counts_.cost_total = cost_total;
}

void Progress::begin_with(std::size_t finished_before) {
  const std::lock_guard lock(mutex_);
  counts_.before += finished_before;
  counts_.done += finished_before;
  counts_.total += finished_before;
}

void Progress::judge_by(double earlier_rate) {
  const std::lock_guard lock(mutex_);
  counts_.earlier_rate = earlier_rate;
}

void Progress::expect(std::size_t runs, double cost) {
  const std::lock_guard lock(mutex_);
  counts_.total = counts_.done + runs;
  counts_.cost_total = counts_.cost_done + cost;
}

void Progress::finished(RunStatus status, double cost, double computed) {
  const std::lock_guard lock(mutex_);
  ++counts_.done;
  if (status == RunStatus::failed) ++counts_.failed;
  if (status == RunStatus::diverged) ++counts_.diverged;
  counts_.cost_done += cost;
  counts_.cost_computed += computed;
  tell();
}

void Progress::tick() {
  const std::lock_guard lock(mutex_);
  tell();
}

void Progress::say(const std::string& line) {
  const std::lock_guard lock(mutex_);
  if (mode_ == ProgressMode::json) return write_line(message_object(line));
  if (mode_ == ProgressMode::live && told_) out_ << '\r' << kClearToEndOfLine;
  write_line(line);
  told_ = mode_ == ProgressMode::live ? std::nullopt : told_;  // the live line is due again
}

void Progress::end() {
  const std::lock_guard lock(mutex_);
  counts_.elapsed_seconds = clock_() - started_;
  if (mode_ == ProgressMode::live && told_) {
    out_ << '\r' << kClearToEndOfLine << std::flush;
  } else if (mode_ == ProgressMode::plain) {
    write_line(plain_line(counts_));
  } else if (mode_ == ProgressMode::json && told_done_ != counts_.done) {
    write_line(json_line(counts_));
  }
}

void Progress::tell() {
  const double now = clock_();
  counts_.elapsed_seconds = now - started_;
  switch (mode_) {
    case ProgressMode::live:
      if (told_ && now - *told_ < kLiveSeconds && counts_.done != counts_.total) return;
      out_ << '\r' << live_line(counts_, style_.columns, style_.colour) << kClearToEndOfLine
           << std::flush;
      break;
    case ProgressMode::plain:
      if (now - told_.value_or(started_) < kPlainSeconds) return;
      write_line(plain_line(counts_));
      break;
    case ProgressMode::json:
      if (!is_json_due(now)) return;
      write_line(json_line(counts_));
      break;
    case ProgressMode::none:
      return;
  }
  if (told_done_ != counts_.done) told_run_ = now;
  told_ = now;
  told_done_ = counts_.done;
}

bool Progress::is_json_due(double now) const {
  if (!told_ || now - *told_ >= kPlainSeconds) return true;
  return told_done_ != counts_.done && (!told_run_ || now - *told_run_ >= kJsonSeconds);
}

// As one piece, which no message of a signal divides.
void Progress::write_line(const std::string& line) { out_ << line + '\n' << std::flush; }

ProgressTicker::ProgressTicker(Progress& progress)
    : progress_(progress), thread_([&progress](const std::stop_token& stop) {
        std::mutex mutex;
        std::condition_variable_any ended;
        std::unique_lock lock(mutex);
        while (!stop.stop_requested()) {
          progress.tick();
          ended.wait_for(lock, stop, kTickInterval, [] { return false; });
        }
      }) {}

ProgressTicker::~ProgressTicker() {
  thread_.request_stop();
  thread_.join();
  progress_.end();
}

}  // namespace plumbline
