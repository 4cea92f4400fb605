/* fill_tmp MIB: fills the memory-backed folders. */
#include "program.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  static char block[1 << 20];
  memset(block, 1, sizeof block);
  int left = atoi(argv[1]);
  const char* folders[] = {"/tmp/a", "/tmp/b", "/dev/shm/a", "/dev/shm/b"};
  for (size_t i = 0; i < 4; ++i) {
    int fd = open(folders[i], O_CREAT | O_WRONLY, 0600);
    while (fd >= 0 && left > 0 && write(fd, block, sizeof block) == (ssize_t)sizeof block) left--;
  }
  if (left == 0) worked("wrote it all");
  return verdict();
}
