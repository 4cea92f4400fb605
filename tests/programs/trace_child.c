/* Traces its own child and reads its memory. */
#include "program.h"
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
  if (process_vm_readv(pid, &local, 1, &remote, 1, 0) == 1) worked("process_vm_readv");
  int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
  attempt("pidfd_getfd", syscall(438, pidfd, 1, 0));
  attempt("ptrace", ptrace(PTRACE_ATTACH, pid, NULL, NULL));
  kill(pid, SIGKILL);
  return verdict();
}
