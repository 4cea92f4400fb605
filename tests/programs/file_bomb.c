/* file_bomb MIB: writes one file of that size; then a sparse one of 2 TB. */
#include "program.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  static char block[1 << 20];
  int sparse = open("sparse", O_CREAT | O_WRONLY, 0644);
  signal(SIGXFSZ, SIG_IGN);
  attempt("sparse file", ftruncate(sparse, 2ll << 40));
  attempt("fallocate", fallocate(sparse, 0, 0, 1ll << 40));
  signal(SIGXFSZ, SIG_DFL);
  int fd = open("big", O_CREAT | O_WRONLY, 0644);
  for (int left = atoi(argv[1]); left > 0; --left) {
    if (write(fd, block, sizeof block) < 0) return verdict();
  }
  worked("wrote it all");
  return verdict();
}
