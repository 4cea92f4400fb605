/* An endless busy loop, ignoring SIGTERM and SIGXCPU. */
#include "../escape.h"

int main(void) {
  signal(SIGTERM, SIG_IGN);
  signal(SIGXCPU, SIG_IGN);
  for (volatile unsigned x = 0;; ++x) {
  }
}
