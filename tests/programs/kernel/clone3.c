/* clone3() with CLONE_NEWUSER: its flags lie in memory, where a filter cannot look. */
#include "../escape.h"
#include <linux/sched.h>

int main(void) {
  struct clone_args args = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
  long pid = syscall(SYS_clone3, &args, sizeof args);
  if (pid == 0) _exit(0);
  if (pid > 0) escaped("clone3");
  return judge();
}
