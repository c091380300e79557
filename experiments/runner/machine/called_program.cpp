// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/machine/called_program.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "engine/core/error.hpp"

namespace plumbline {

namespace fs = std::filesystem;

namespace {

EnvironmentError cannot(const fs::path& program, int error) {
  return EnvironmentError(program.string() +
                          ": cannot be called: " + std::generic_category().message(error));
}

std::string read_all(int descriptor) {
  std::string text;
  std::array<char, 4096> piece{};
  for (;;) {
    const ssize_t size = ::read(descriptor, piece.data(), piece.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(size));
  }
}

int status_of(pid_t process) {
  int status = 0;
  while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  constexpr int kEndedBySignal = 128;
  return WIFSIGNALED(status) ? kEndedBySignal + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

fs::path find_program(const std::string& name) {
  const char* variable = std::getenv("PATH");
  std::string_view folders = variable == nullptr ? "" : variable;
  while (!folders.empty()) {
    const std::size_t colon = folders.find(':');
    const fs::path path = fs::path(folders.substr(0, colon)) / name;
    std::error_code unknown;
    if (fs::is_regular_file(path, unknown) && ::access(path.c_str(), X_OK) == 0) return path;
    folders = colon == folders.npos ? std::string_view() : folders.substr(colon + 1);
  }
  return {};
}

ProgramResult call_program(const fs::path& program, const std::vector<std::string>& arguments) {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) throw cannot(program, errno);
  posix_spawn_file_actions_t actions{};
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO);
  std::vector<std::string> words = {program.string()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  pid_t process = 0;
  const int error =
      ::posix_spawn(&process, program.c_str(), &actions, nullptr, pointers.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(pipe[1]);
  ProgramResult result;
  if (error == 0) result.output = read_all(pipe[0]);
  ::close(pipe[0]);
  if (error != 0) throw cannot(program, error);
  result.status = status_of(process);
  return result;
}

fs::path own_program() { return fs::read_symlink("/proc/self/exe"); }

}  // namespace plumbline
