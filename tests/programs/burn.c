/* burn CHILDREN: keeps that many processes busy in sessions of their own, ignoring SIGTERM and SIGXCPU. */
#include "program.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  signal(SIGTERM, SIG_IGN);
  signal(SIGXCPU, SIG_IGN);
  for (int i = 1; i < atoi(argv[1]); ++i) {
    if (fork() == 0) {
      setsid();
      break;
    }
  }
  for (volatile unsigned x = 0;; ++x) {
  }
}
