/* Pushes key strokes into the controlling terminal, for the user's shell to run. */
#include "../escape.h"
#include <sys/ioctl.h>

int main(void) {
  int terminal = open("/dev/tty", O_RDWR | O_NOCTTY);
  if (terminal >= 0) escaped("the controlling terminal");
  for (int fd = 0; fd < 3; ++fd) {
    errno = 0;
    if (ioctl(fd, TIOCSTI, "x") == 0) escaped("TIOCSTI");
  }
  if (terminal >= 0 && ioctl(terminal, TIOCSTI, "x") == 0) escaped("TIOCSTI on the terminal");
  return judge();
}
