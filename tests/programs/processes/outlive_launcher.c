/* A child in its own session runs on when the launcher is killed; so does this. */
#include "daemon.h"

int main(void) {
  start_daemon(0);
  puts("started");
  fflush(stdout);
  for (;;) pause();
}
