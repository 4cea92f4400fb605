/* Makes a user namespace, the entry to most of the kernel, in every way; and joins those of others. */
#include "program.h"
#include <linux/sched.h>

static void child(void) { _exit(0); }

int main(void) {
  if (fork() == 0) _exit(unshare(CLONE_NEWUSER) == 0 ? 10 : 0);
  int status = 0;
  wait(&status);
  if (WEXITSTATUS(status) == 10) worked("unshare");
  long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
  if (pid == 0) child();
  if (pid > 0) worked("clone");
  struct clone_args args = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
  pid = syscall(SYS_clone3, &args, sizeof args);
  if (pid == 0) child();
  if (pid > 0) worked("clone3");
  pid = syscall(SYS_clone, CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0);
  if (pid == 0) child();
  if (pid > 0) worked("clone with a mount namespace");
  int ns = open("/proc/self/ns/uts", O_RDONLY);
  if (ns >= 0) attempt("setns", setns(ns, 0));
  return verdict();
}
