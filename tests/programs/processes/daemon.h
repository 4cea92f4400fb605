/* A daemon of its own session with closed descriptors that ignores what can be ignored. */
#include "../escape.h"

/* Returns when it runs. */
static inline void start_daemon(int keeps_output) {
  int ready[2];
  signal(SIGTERM, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  if (pipe(ready) != 0) exit(2);
  if (fork() == 0) {
    setsid();
    if (fork() != 0) _exit(0);
    if (!keeps_output) {
      close(0);
      close(1);
      close(2);
      close(3);
    }
    int mark = open("daemon-runs", O_CREAT | O_WRONLY, 0644);
    if (mark >= 0) (void)!write(mark, "x", 1);
    if (mark >= 0) close(mark);
    (void)!write(ready[1], "x", 1);
    for (;;) pause();
  }
  char byte;
  (void)!read(ready[0], &byte, 1);
  wait(NULL);
}
