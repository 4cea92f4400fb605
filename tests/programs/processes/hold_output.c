/* A background child keeps the output pipe open, so that whoever reads it waits for ever. */
#include "daemon.h"

int main(void) {
  puts("done");
  fflush(stdout);
  start_daemon(1);
  return 0;
}
