/* Starts 300 processes at once. */
#include "../escape.h"

int main(void) {
  int started = 0;
  pid_t children[300];
  for (int i = 0; i < 300; ++i) {
    pid_t pid = fork();
    if (pid == 0) {
      for (;;) pause();
    }
    if (pid > 0) children[started++] = pid;
  }
  usleep(300000); /* whoever counts may do so now and then */
  if (started == 300) escaped("300 processes");
  for (int i = 0; i < started; ++i) kill(children[i], SIGKILL);
  return judge();
}
