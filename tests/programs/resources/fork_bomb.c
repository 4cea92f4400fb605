/* Forks for ever. */
#include "../escape.h"

int main(void) {
  signal(SIGTERM, SIG_IGN);
  for (;;) {
    if (fork() < 0) usleep(1000);
  }
}
