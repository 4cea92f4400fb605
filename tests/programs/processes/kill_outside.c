/* Kills a process outside the sandbox, by its number and by a pidfd. */
#include "../escape.h"

int main(void) {
  pid_t victim = atoi(given("VICTIM"));
  if (victim == getpid()) return 2; /* the number is our own here */
  expect_refused("kill 1", geteuid() == 0 ? -1 : kill(1, 0));
  int pidfd = (int)syscall(SYS_pidfd_open, victim, 0);
  if (pidfd >= 0 && syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) == 0) escaped("a pidfd");
  if (kill(victim, SIGKILL) == 0) escaped("kill");
  return judge();
}
