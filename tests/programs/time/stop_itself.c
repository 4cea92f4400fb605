/* Stops itself, so that the supervisor waits for ever. */
#include "../processes/daemon.h"

int main(void) {
  start_daemon(0);
  puts("started");
  fflush(stdout);
  raise(SIGSTOP);
  return 0;
}
