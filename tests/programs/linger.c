/* linger MODE: leaves a daemon of its own session behind that ignores SIGTERM and holds a lock on ./lock. Then
 * sleep: sleeps for ever; exit: ends at once; hold: ends while the daemon keeps the output pipe; stop: stops itself. */
#include "program.h"
#include <sys/file.h>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  signal(SIGTERM, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  int ready[2];
  if (pipe(ready) != 0) return 2;
  if (fork() == 0) {
    setsid();
    if (fork() != 0) _exit(0);
    int lock = open("lock", O_CREAT | O_RDWR, 0644);
    if (lock < 0 || flock(lock, LOCK_EX) != 0) _exit(2);
    if (strcmp(argv[1], "hold") != 0) {
      close(0);
      close(1);
      close(2);
      close(3);
    }
    (void)!write(ready[1], "x", 1);
    for (;;) sleep(1000);
  }
  char byte;
  (void)!read(ready[0], &byte, 1);
  if (strcmp(argv[1], "sleep") == 0) {
    for (;;) sleep(1000);
  }
  if (strcmp(argv[1], "stop") == 0) raise(SIGSTOP);
  return 0;
}
