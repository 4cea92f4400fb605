/* flood FD MIB: writes that much to a descriptor without a newline. */
#include "../escape.h"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  static char block[1 << 20];
  memset(block, 'y', sizeof block);
  for (int left = atoi(argv[2]); left > 0; --left) {
    size_t done = 0;
    while (done < sizeof block) {
      ssize_t n = write(atoi(argv[1]), block + done, sizeof block - done);
      if (n <= 0) return 3;
      done += (size_t)n;
    }
  }
  return 10;
}
