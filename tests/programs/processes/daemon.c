/* Leaves a daemon behind after a normal end. Whether it lives is for the host to see. */
#include "daemon.h"

int main(void) {
  start_daemon(0);
  puts("done");
  return 0;
}
