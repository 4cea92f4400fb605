/* openat() relative to every inherited folder, read() of every inherited file. */
#include "../escape.h"

int main(void) {
  char text[4096];
  for (int fd = 0; fd < 1024; ++fd) {
    struct stat info;
    if (fstat(fd, &info) != 0) continue;
    if (S_ISDIR(info.st_mode) && plants(fd, "planted")) escaped("a folder");
    if (S_ISDIR(info.st_mode) && reads_secret(fd, "../secret.txt")) escaped("a file above a folder");
    if (S_ISREG(info.st_mode) && holds_secret(text, pread(fd, text, sizeof text, 0))) escaped("a file");
  }
  return judge();
}
