/* Pushes key strokes into a terminal, for the user's shell to run. */
#include "program.h"
#include <sys/ioctl.h>

int main(void) {
  for (int fd = 0; fd < 3; ++fd) {
    errno = 0;
    attempt("TIOCSTI", ioctl(fd, TIOCSTI, "x"));
    if (errno == ENOTTY) worked("ioctl(TIOCSTI) reached the file");
  }
  attempt("controlling terminal", open("/dev/tty", O_RDWR));
  return verdict();
}
