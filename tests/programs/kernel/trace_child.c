/* ptrace at all: traces its own child, which old tricks to pass a filter or to inject code need. */
#include "../escape.h"
#include <sys/ptrace.h>
#include <sys/uio.h>

int main(void) {
  static volatile char here = 1;
  pid_t pid = fork();
  if (pid == 0) {
    for (;;) pause();
  }
  char there = 0;
  struct iovec local = {&there, 1}, remote = {(void*)&here, 1};
  expect_refused("process_vm_readv", process_vm_readv(pid, &local, 1, &remote, 1, 0));
  expect_refused("process_vm_writev", process_vm_writev(pid, &local, 1, &remote, 1, 0));
  expect_refused("PTRACE_ATTACH", ptrace(PTRACE_ATTACH, pid, NULL, NULL));
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
  if (fork() == 0) _exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 ? 1 : 0);
  int status = 0;
  wait(&status);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 1) escaped("PTRACE_TRACEME");
  return judge();
}
