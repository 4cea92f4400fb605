/* Walks up with openat(fd, "..") from the workspace and opens the folder outside by its name. */
#include "../escape.h"

int main(void) {
  const char* outside = given("OUTSIDE");
  int fd = open(".", O_RDONLY | O_DIRECTORY);
  for (int i = 0; i < 64; ++i) {
    int up = openat(fd, "..", O_RDONLY | O_DIRECTORY);
    if (up < 0) break;
    close(fd);
    fd = up;
  }
  int folder = openat(fd, outside + 1, O_RDONLY | O_DIRECTORY);
  if (folder >= 0 && plants(folder, "planted")) escaped("openat(..)");
  if (reads_secret(fd, given("SECRET") + 1)) escaped("openat(..) to the secret");
  return judge();
}
