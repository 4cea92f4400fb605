/* setns() into the victim's mount namespace through /proc/PID/ns and a pidfd. */
#include "../escape.h"

int main(void) {
  const char* victim = given("VICTIM");
  char path[64];
  snprintf(path, sizeof path, "/proc/%s/ns/mnt", victim);
  int fd = open(path, O_RDONLY);
  if (fd >= 0 && setns(fd, CLONE_NEWNS) == 0) escaped("setns of /proc/PID/ns/mnt");
  int pidfd = (int)syscall(SYS_pidfd_open, atoi(victim), 0);
  if (pidfd >= 0 && setns(pidfd, CLONE_NEWNS) == 0) escaped("setns of a pidfd");
  fd = open("/proc/1/ns/mnt", O_RDONLY);
  if (fd >= 0 && setns(fd, CLONE_NEWNS) == 0) escaped("setns of the first process");
  return judge();
}
