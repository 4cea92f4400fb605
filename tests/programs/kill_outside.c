/* kill_outside PID: signals a process of the host, by number and by pidfd, and asks whether it may signal the first process. */
#include "program.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  pid_t pid = atoi(argv[1]);
  attempt("kill", kill(pid, 0));
  attempt("pidfd_open", syscall(SYS_pidfd_open, pid, 0));
  attempt("kill 1", kill(1, 0));
  return verdict();
}
