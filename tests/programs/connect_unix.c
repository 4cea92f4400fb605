/* connect_unix PATH...: connects to Unix sockets; a path that starts with @ is abstract. */
#include "program.h"

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t n = strlen(argv[i]);
    if (n >= sizeof to.sun_path) return 2;
    memcpy(to.sun_path, argv[i], n);
    if (argv[i][0] == '@') to.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr*)&to, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) == 0) {
      worked(argv[i]);
    }
  }
  return verdict();
}
