/* read_secret PATH...: reads what is not its business. */
#include "program.h"

int main(int argc, char** argv) {
  char byte;
  for (int i = 1; i < argc; ++i) {
    int fd = open(argv[i], O_RDONLY);
    if (fd >= 0 && read(fd, &byte, 1) == 1) worked(argv[i]);
    char path[8192];
    snprintf(path, sizeof path, "/proc/1/root%s", argv[i]);
    fd = open(path, O_RDONLY);
    if (fd >= 0 && read(fd, &byte, 1) == 1) worked(path);
  }
  return verdict();
}
