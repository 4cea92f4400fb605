/* environment SECRET: searches its own environment and that of every process it can see. */
#include "program.h"
#include <dirent.h>

extern char** environ;

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  /* Built here, because the argument itself is in our memory and not in an environment. */
  for (char** e = environ; *e != NULL; ++e) {
    if (strstr(*e, argv[1]) != NULL) worked("its own environment");
  }
  DIR* proc = opendir("/proc");
  struct dirent* entry;
  static char text[1 << 20];
  while (proc != NULL && (entry = readdir(proc)) != NULL) {
    char path[300];
    snprintf(path, sizeof path, "/proc/%s/environ", entry->d_name);
    int fd = open(path, O_RDONLY);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text) : 0;
    if (n > 0 && memmem(text, (size_t)n, argv[1], strlen(argv[1])) != NULL) worked("another environment");
    if (fd >= 0) close(fd);
  }
  return verdict();
}
