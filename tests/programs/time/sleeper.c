/* Sleeps past the time limit with children in their own sessions, ignoring SIGTERM. */
#include "../processes/daemon.h"

int main(void) {
  for (int i = 0; i < 3; ++i) start_daemon(0);
  puts("started");
  fflush(stdout);
  for (;;) sleep(1000);
}
