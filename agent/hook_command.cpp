#include "agent/hook_command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/unique_fd.h"

extern char** environ;

namespace agent {

using base::Errc;
using base::Error;
using base::UniqueFd;
using Clock = std::chrono::steady_clock;

namespace {

constexpr size_t kMaxErrors = 4 << 10;

/// A file in memory with `input`, at its beginning.
UniqueFd input_file(std::string_view input) {
  UniqueFd file(memfd_create("event", MFD_CLOEXEC));
  for (size_t done = 0; file.get() >= 0 && done < input.size();) {
    const ssize_t n =
        pwrite(file.get(), input.data() + done, input.size() - done, static_cast<off_t>(done));
    if (n <= 0) return {};
    done += static_cast<size_t>(n);
  }
  return file;
}

struct Actions {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  Actions() {
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
  }
  ~Actions() {
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
  }
};

}  // namespace

base::Result<CommandEnd> run_hook_command(const std::vector<std::string>& command,
                                          const std::filesystem::path& folder,
                                          std::string_view input, std::chrono::seconds time) {
  const UniqueFd in = input_file(input);
  int ends[2];
  if (in.get() < 0 || pipe2(ends, O_CLOEXEC) != 0)
    return Error{Errc::system, "no pipe for a hook: " + std::string(strerror(errno))};
  const UniqueFd errors(ends[0]);
  UniqueFd write_end(ends[1]);
  Actions actions;
  posix_spawn_file_actions_adddup2(&actions.files, in.get(), STDIN_FILENO);
  posix_spawn_file_actions_addopen(&actions.files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&actions.files, write_end.get(), STDERR_FILENO);
  posix_spawn_file_actions_addchdir_np(&actions.files, folder.c_str());
  sigset_t usual;
  sigemptyset(&usual);
  sigaddset(&usual, SIGPIPE);
  posix_spawnattr_setsigdefault(&actions.attributes, &usual);
  posix_spawnattr_setflags(&actions.attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  pid_t pid = -1;
  const int failed =
      posix_spawnp(&pid, argv[0], &actions.files, &actions.attributes, argv.data(), environ);
  if (failed != 0)
    return Error{failed == ENOENT ? Errc::not_found : Errc::system,
                 command[0] + ": " + strerror(failed)};
  write_end.reset();

  // The end of the process counts, not that of its standard error, which others may have inherited.
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  const Clock::time_point deadline = Clock::now() + time;
  CommandEnd end;
  std::array<char, 4096> buffer{};
  bool open = true, late = false;
  const auto hear = [&] {
    const ssize_t n = ::read(errors.get(), buffer.data(), buffer.size());
    open = n > 0 || (n < 0 && errno == EINTR);
    if (n > 0)
      end.errors.append(buffer.data(),
                        std::min(static_cast<size_t>(n), kMaxErrors - end.errors.size()));
  };
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    late = left <= 0 || process.get() < 0;
    if (late) break;
    pollfd watched[2] = {{process.get(), POLLIN, 0}, {open ? errors.get() : -1, POLLIN, 0}};
    if (poll(watched, 2, static_cast<int>(left)) <= 0) continue;
    if (watched[1].revents != 0)
      hear();
    else if (watched[0].revents != 0)
      break;
  }
  if (late) ::kill(-pid, SIGKILL);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (late)
    return Error{Errc::limit,
                 command[0] + " took longer than " + std::to_string(time.count()) + " seconds"};
  end.code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  while (!end.errors.empty() && (end.errors.back() == '\n' || end.errors.back() == ' '))
    end.errors.pop_back();
  return end;
}

}  // namespace agent
