/* Busy loops in four child processes that change their session. */
#include "../escape.h"

int main(void) {
  signal(SIGTERM, SIG_IGN);
  signal(SIGXCPU, SIG_IGN);
  for (int i = 0; i < 4; ++i) {
    if (fork() != 0) continue;
    setsid();
    for (volatile unsigned x = 0;; ++x) {
    }
  }
  for (;;) pause();
}
