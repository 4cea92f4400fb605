/* Looks for descriptors that it was not given. */
#include "program.h"

int main(void) {
  for (int fd = 4; fd < 1024; ++fd) {
    if (fcntl(fd, F_GETFD) >= 0) {
      char name[32];
      snprintf(name, sizeof name, "descriptor %d", fd);
      worked(name);
    }
  }
  return verdict();
}
