// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/commands/command_line.hpp"

#include <algorithm>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include "engine/core/error.hpp"
#include "experiments/runner/commands/commands.hpp"
#include "experiments/runner/commands/exit_status.hpp"
#include "experiments/runner/commands/inspection_commands.hpp"
#include "experiments/runner/commands/merge_command.hpp"
#include "experiments/runner/commands/profile_command.hpp"
#include "experiments/runner/commands/run_command.hpp"
#include "experiments/runner/commands/show_command.hpp"
#include "experiments/runner/commands/status_command.hpp"
#include "experiments/runner/commands/submit_command.hpp"
#include "experiments/runner/commands/theory_command.hpp"
#include "experiments/runner/commands/verify_command.hpp"
#include "experiments/runner/text/json_messages.hpp"
#include "plumbline/build_info.hpp"

namespace plumbline {

namespace {

constexpr const char* kDefinition = "A definition file, or the name of one that ships";
constexpr const char* kOverrides =
    "Sets a value (model.width=64) or a sweep axis (model.depth=2,8,32)";

constexpr const char* kExitStatus =
    "Exit status: 0 all well; 1 some runs failed or are missing; 2 wrong definition or usage;\n"
    "3 the environment (file, disk, memory); 130 interrupted, finished runs are kept.";

/// Everything that a command line can say.
struct Options {
  ListOptions list;
  DescribeOptions describe;
  CheckOptions check;
  PlanOptions plan;
  RunOptions run;
  StatusOptions status;
  MergeOptions merge;
  SubmitOptions submit;
  ShowOptions show;
  VerifyOptions verify;
  GradcheckOptions gradcheck;
  ExplainOptions explain;
  ProfileOptions profile;
  TheoryOptions theory;
  std::string data_dir;
  std::string show_by;
  std::string show_metrics;
  std::string profile_threads;
};

CLI::App& add_command(CLI::App& program, const char* name, const char* meaning) {
  return *program.add_subcommand(name, meaning)->group("Commands");
}

void add_definition(CLI::App& command, std::string& definition, std::vector<std::string>& overrides,
                    bool& yes) {
  command.add_option("DEFINITION", definition, kDefinition)->required()->type_name("");
  command.add_option("key=value", overrides, kOverrides)->type_name("");
  command.add_flag("--yes", yes, "More than a million runs are meant");
}

/// Every command that reads data files has this option.
void add_data_dir(CLI::App& command, std::string& data_dir) {
  command
      .add_option("--data-dir", data_dir,
                  "Searched for data files before $PLUMBLINE_DATA and ./data")
      ->type_name("DIR");
}

void add_threads(CLI::App& command, int& threads, const char* meaning) {
  command.add_option("--threads", threads, meaning)
      ->type_name("N")
      ->check(CLI::Range(1, 4096).description(""));
}

void add_list(CLI::App& program, ListOptions& options) {
  CLI::App& command = add_command(program, "list", "Lists plug-ins and definitions that ship");
  command.add_option("KIND", options.kind, "Such as optimizers; every kind where absent")
      ->type_name("");
  command.add_flag("--json", options.json, "One JSON array");
  command.add_flag("--markdown", options.markdown, "Markdown tables");
  std::string kinds;
  for (const std::string& kind : list_kinds()) kinds += ' ' + kind;
  command.footer("Kinds:" + kinds);
  command.final_callback([&options] {
    if (options.json && options.markdown) throw CLI::ExcludesError("--json", "--markdown");
  });
}

void add_describe(CLI::App& program, DescribeOptions& options) {
  CLI::App& command = add_command(
      program, "describe",
      "Prints formula, paper and settings of a plug-in or a kind of model, or of a table");
  command
      .add_option("NAME", options.name,
                  "A plug-in, a kind of model, a table or a definition that ships")
      ->required()
      ->type_name("");
}

void add_check(CLI::App& program, CheckOptions& options, std::string& data_dir) {
  CLI::App& command = add_command(
      program, "check", "Prints every mistake of a definition with file, line and column");
  add_definition(command, options.definition, options.overrides, options.yes);
  add_data_dir(command, data_dir);
}

void add_plan(CLI::App& program, PlanOptions& options, std::string& data_dir) {
  CLI::App& command = add_command(
      program, "plan", "Prints the runs of a definition with estimates of time and memory");
  add_definition(command, options.definition, options.overrides, options.yes);
  add_threads(command, options.threads, "Threads that the estimates are for");
  command.add_flag("--all", options.all, "Every run, not the first ones alone");
  command.add_flag("--json", options.json, "One JSON object");
  add_data_dir(command, data_dir);
}

void add_run(CLI::App& program, RunOptions& options, std::string& data_dir) {
  CLI::App& command =
      add_command(program, "run", "Computes the runs that the output file does not hold yet");
  add_definition(command, options.definition, options.overrides, options.yes);
  command.add_option("-o,--output", options.output, "The results file (results/<name>.h5)")
      ->type_name("FILE");
  add_threads(command, options.threads, "Runs at a time (one for each available processor)");
  command
      .add_option("--shard", options.shard,
                  "The part i of N alone, balanced by cost, into FILE.shard-i-of-N.h5")
      ->type_name("i/N");
  CLI::Option* fresh = command.add_flag("--fresh", options.fresh,
                                        "Computes every run anew; FILE is replaced at the end");
  command
      .add_flag("--retry-failed", options.retry_failed,
                "Computes the failed runs alone, not the pending ones too")
      ->excludes(fresh);
  command.add_flag("--fail-fast", options.fail_fast, "Ends at the first run that fails");
  command
      .add_option("--progress", options.progress,
                  "auto (live on a terminal, else plain), plain, json, none")
      ->type_name("MODE")
      ->check(CLI::IsMember({"auto", "plain", "json", "none"}).description(""));
  add_data_dir(command, data_dir);
  command.footer(kExitStatus);
}

void add_status(CLI::App& program, StatusOptions& options, std::string& data_dir) {
  CLI::App& command = add_command(
      program, "status", "Prints how far a sweep is: its results file, and shards beside it");
  command
      .add_option("DEFINITION|FILE", options.target,
                  "A definition, its file or its name, or a results file")
      ->required()
      ->type_name("");
  command.add_option("key=value", options.overrides, kOverrides)->type_name("");
  command
      .add_option("-o,--output", options.output,
                  "The results file of a definition (results/<name>.h5)")
      ->type_name("FILE");
  command.add_flag("--watch", options.watch, "Again and again until no run is pending");
  command.add_flag("--json", options.json, "One JSON object; with --watch one a line");
  add_data_dir(command, data_dir);
  command.footer("Exit status: 0 none failed, 1 some runs failed, 130 interrupted.");
}

void add_merge(CLI::App& program, MergeOptions& options, std::string& data_dir) {
  CLI::App& command = add_command(
      program, "merge", "Makes one results file of several of one definition, such as shards");
  command
      .add_option("FILE", options.files,
                  "Results files; if none is given, the shards beside the output")
      ->type_name("");
  command.add_option("-o,--output", options.output, "The results file; what it holds is kept")
      ->required()
      ->type_name("FILE");
  add_data_dir(command, data_dir);
  command.footer("Exit status: 0 every run is there, 1 some failed or are missing.");
}

void add_submit(CLI::App& program, SubmitOptions& options, std::string& data_dir) {
  CLI::App& command = add_command(
      program, "submit", "Submits shards to Slurm as a job array, and a job that merges them");
  add_definition(command, options.definition, options.overrides, options.yes);
  command.add_option("--shards", options.shards, "Tasks of the array; 10 minutes or more each")
      ->required()
      ->type_name("N");
  command.add_option("-o,--output", options.output, "The results file (results/<name>.h5)")
      ->type_name("FILE");
  command.add_option("--partition", options.partition, "Of Slurm (its default)")->type_name("NAME");
  command.add_option("--time", options.time, "For each task (three times what the plan expects)")
      ->type_name("TIME");
  command.add_option("--cpus-per-task", options.cpus, "Runs at a time in each task (1)")
      ->type_name("N")
      ->check(CLI::Range(1, 4096).description(""));
  command.add_option("--memory", options.memory, "For each task (what the plan expects, and half)")
      ->type_name("SIZE");
  command.add_option("--array-limit", options.array_limit, "Tasks that may run at a time (all)")
      ->type_name("N")
      ->check(CLI::Range(1, 1000000).description(""));
  command
      .add_option("--sbatch", options.sbatch,
                  "One more option of sbatch, as --sbatch=--account=NAME; may be repeated")
      ->type_name("OPTION")
      ->allow_extra_args(false);
  command.add_flag("--dry-run", options.dry_run, "Prints the scripts, submits nothing");
  add_data_dir(command, data_dir);
  command.footer(kExitStatus);
}

void add_show(CLI::App& program, ShowOptions& options, std::string& by, std::string& metrics,
              std::string& data_dir) {
  CLI::App& command =
      add_command(program, "show", "Prints a results file as a table: medians over seeds");
  command.add_option("FILE", options.file, "A results file")->required()->type_name("");
  command.add_option("--by", by, "Settings that make a row; if not given, all that vary")
      ->type_name("NAMES");
  command.add_option("--metric", metrics, "Quantities to show, such as final_train_loss")
      ->type_name("NAMES");
  command.footer(
      "A quantity over the steps is shown at the last step that has it. 'sharpness[1]' is one at "
      "a\n"
      "coordinate of its axis: layers and indices count from 1, lags from 0. Without one, a "
      "quantity\n"
      "over layers is shown as it decays over them before training.");
  command.add_flag("--json", options.json, "One JSON object");
  add_data_dir(command, data_dir);
}

void add_verify(CLI::App& program, VerifyOptions& options, std::string& data_dir) {
  CLI::App& command = add_command(
      program, "verify", "Computes the runs of a results file again and compares their digests");
  command.add_option("FILE", options.file, "A results file")->required()->type_name("");
  command.add_option("--runs", options.runs, "So many runs, spread over the file (all)")
      ->type_name("N")
      ->check(CLI::Range(1, 1000000).description(""));
  add_threads(command, options.threads, "Runs at a time (one for each available processor)");
  command.add_flag("--json", options.json, "One JSON object");
  add_data_dir(command, data_dir);
  command.footer("Exit status: 0 all are equal, 1 a run differs.");
}

void add_inspection(CLI::App& command, InspectionOptions& options, std::string& data_dir) {
  add_definition(command, options.definition, options.overrides, options.yes);
  command.add_option("--run", options.run_id, "The run with this id (the definition's first)")
      ->type_name("ID");
  command.add_flag("--json", options.json, "One JSON object");
  add_data_dir(command, data_dir);
}

void add_gradcheck(CLI::App& program, GradcheckOptions& options, std::string& data_dir) {
  CLI::App& command = add_command(
      program, "gradcheck", "Compares a run's gradient with finite differences, layer by layer");
  add_inspection(command, options.run, data_dir);
  CLI::Option* sample =
      command.add_option("--sample", options.sample, "Parameters checked in a tensor (200)")
          ->type_name("N")
          ->check(CLI::Range(1, 1000000000).description(""));
  command.add_flag("--all", options.all, "Every parameter")->excludes(sample);
  command.footer("Exit status: 0 the gradient is right, 1 a tensor differs.");
}

void add_explain(CLI::App& program, ExplainOptions& options, std::string& data_dir) {
  CLI::App& command =
      add_command(program, "explain", "Prints a training step of a small net, number by number");
  add_inspection(command, options.run, data_dir);
  command.add_option("--step", options.step, "The updates before it (0)")->type_name("K");
}

void add_profile(CLI::App& program, ProfileOptions& options, std::string& threads,
                 std::string& data_dir) {
  CLI::App& command = add_command(
      program, "profile", "Prints where a step's time goes, beside what the machine can do");
  add_inspection(command, options.run, data_dir);
  command.get_option("DEFINITION")->required(false);
  command.add_flag("--ceiling", options.ceiling, "The machine alone, without a DEFINITION");
  command.add_option("--steps", options.steps, "Steps that are timed (those of two seconds)")
      ->type_name("N")
      ->check(CLI::Range(1, 1000000).description(""));
  command.add_option("--threads", threads, "Such as 1,2,4 (powers of two up to the processors)")
      ->type_name("LIST");
  command.add_option("-o,--output", options.output, "Also written as HDF5, for a roofline plot")
      ->type_name("FILE");
}

void add_theory(CLI::App& program, TheoryOptions& options) {
  CLI::App& command =
      add_command(program, "theory", "Prints what mean-field theory says of wide nets");
  command
      .add_option("key=value", options.settings,
                  "activation=tanh weight_variance=1.5 bias_variance=0.05 and others, see below")
      ->required()
      ->type_name("");
  command.add_flag("--json", options.json, "One JSON object");
  command.add_option("--plot", options.plot, "Also draws the phase diagram, as .png or .svg")
      ->type_name("FILE");
  command.footer(theory_keys());
}

std::vector<std::string> split_at_commas(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    if (comma != 0) parts.emplace_back(text.substr(0, comma));
    text = comma == text.npos ? std::string_view() : text.substr(comma + 1);
  }
  return parts;
}

std::string words_joined(int argc, const char* const* argv) {
  std::string line;
  for (int i = 0; i < argc; ++i) {
    if (i > 0) line += ' ';
    line += argv[i];
  }
  return line;
}

/// CLI11 would say of an unknown command only that one is required.
std::string unknown_command(CLI::App& program, int argc, const char* const* argv) {
  if (argc < 2 || argv[1][0] == '-') return {};
  std::vector<std::string> names;
  for (const CLI::App* command : program.get_subcommands({})) names.push_back(command->get_name());
  const std::string given = argv[1];
  if (std::ranges::find(names, given) != names.end()) return {};
  return "'" + given + "' is not a command" + suggestion(given, names);
}

int call_command(const CLI::App& program, Options& options, std::ostream& out, std::ostream& err,
                 std::ostream& progress) {
  const std::string name = program.get_subcommands().front()->get_name();
  if (name == "list") return list_command(options.list, out, err);
  if (name == "describe") return describe_command(options.describe, out, err);
  if (name == "schema") return schema_command(out);
  if (name == "check") {
    options.check.data_folders = data_folders(options.data_dir);
    return check_command(options.check, out, err);
  }
  if (name == "plan") {
    options.plan.data_folders = data_folders(options.data_dir);
    return plan_command(options.plan, out, err);
  }
  if (name == "run") {
    options.run.data_folders = data_folders(options.data_dir);
    return run_command(options.run, out, err, progress);
  }
  if (name == "status") {
    options.status.data_folders = data_folders(options.data_dir);
    return status_command(options.status, out, err);
  }
  if (name == "merge") {
    options.merge.data_folders = data_folders(options.data_dir);
    return merge_command(options.merge, out, err);
  }
  if (name == "submit") {
    options.submit.data_dir = options.data_dir;
    options.submit.data_folders = data_folders(options.data_dir);
    return submit_command(options.submit, out, err);
  }
  if (name == "gradcheck") {
    options.gradcheck.run.data_folders = data_folders(options.data_dir);
    return gradcheck_command(options.gradcheck, out, err);
  }
  if (name == "explain") {
    options.explain.run.data_folders = data_folders(options.data_dir);
    return explain_command(options.explain, out, err);
  }
  if (name == "profile") {
    options.profile.run.data_folders = data_folders(options.data_dir);
    options.profile.threads = split_at_commas(options.profile_threads);
    return profile_command(options.profile, out, err);
  }
  if (name == "theory") return theory_command(options.theory, out, err);
  if (name == "verify") {
    options.verify.data_folders = data_folders(options.data_dir);
    return verify_command(options.verify, out, err);
  }
  options.show.by = split_at_commas(options.show_by);
  options.show.metrics = split_at_commas(options.show_metrics);
  options.show.data_folders = data_folders(options.data_dir);
  return show_command(options.show, out, err);
}

}  // namespace

int command_line(int argc, const char* const* argv, std::ostream& out, std::ostream& err) {
  Options options;
  options.run.command_line = words_joined(argc, argv);
  options.profile.command_line = options.run.command_line;
  options.merge.command_line = options.run.command_line;

  CLI::App program("Plumbline measures how deep gradients reach.", "plumbline");
  program.set_version_flag("--version",
                           "plumbline " + std::string(build_info::kVersion) + " (" +
                               std::string(build_info::kGitCommit) + ")",
                           "The version and its commit");
  program.require_subcommand(1);
  program.set_help_flag("-h,--help", "This text");
  program.get_formatter()->label("SUBCOMMAND", "COMMAND");
  program.get_formatter()->label("REQUIRED", "");
  add_list(program, options.list);
  add_describe(program, options.describe);
  add_check(program, options.check, options.data_dir);
  add_plan(program, options.plan, options.data_dir);
  add_run(program, options.run, options.data_dir);
  add_status(program, options.status, options.data_dir);
  add_merge(program, options.merge, options.data_dir);
  add_submit(program, options.submit, options.data_dir);
  add_show(program, options.show, options.show_by, options.show_metrics, options.data_dir);
  add_verify(program, options.verify, options.data_dir);
  add_gradcheck(program, options.gradcheck, options.data_dir);
  add_explain(program, options.explain, options.data_dir);
  add_profile(program, options.profile, options.profile_threads, options.data_dir);
  add_theory(program, options.theory);
  add_command(program, "schema",
              "Prints a JSON Schema of definitions, from which editors complete and check them");
  program.footer(kExitStatus);

  if (const std::string message = unknown_command(program, argc, argv); !message.empty()) {
    err << message << '\n';
    return kWrongUsage;
  }
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // Help and version are "errors" that end well.
    return program.exit(error, out, err) == 0 ? 0 : kWrongUsage;
  }
  JsonMessages objects(err);
  const bool as_json = program.got_subcommand("run") && options.run.progress == "json";
  std::ostream& messages = as_json ? objects : err;
  try {
    return call_command(program, options, out, messages, err);
  } catch (const DefinitionError& error) {
    for (const Problem& problem : error.problems()) {
      messages << to_string(problem.place) << ": " << problem.message << '\n';
    }
    return kWrongUsage;
  } catch (const std::bad_alloc&) {
    messages << "plumbline: out of memory\n";
    return kEnvironment;
  } catch (const std::exception& error) {
    messages << "plumbline: " << error.what() << '\n';
    return kEnvironment;
  }
}

}  // namespace plumbline
