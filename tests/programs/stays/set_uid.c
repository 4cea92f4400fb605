/* Leaves a set-uid program in the workspace, by each call that can set the bit. */
#include "../escape.h"

int main(void) {
  int fd = open("shell", O_CREAT | O_RDWR, 0755);
  (void)!write(fd, "#!/bin/sh\n", 10);
  (void)!fchown(fd, 0, 0);
  (void)!chmod("shell", 06755);
  (void)!fchmod(fd, 06755);
  syscall(SYS_fchmodat, AT_FDCWD, "shell", 06755);
  syscall(452 /* fchmodat2 */, AT_FDCWD, "shell", 06755, 0);
  syscall(SYS_open, "shell-2", O_CREAT | O_RDWR, 06755);
  syscall(SYS_openat, AT_FDCWD, "shell-3", O_CREAT | O_RDWR, 06755);
  syscall(SYS_creat, "shell-4", 06755);
  uint64_t how[3] = {O_CREAT | O_RDWR, 06755, 0};
  syscall(SYS_openat2, AT_FDCWD, "shell-5", how, sizeof how);
  int unnamed = (int)syscall(SYS_openat, AT_FDCWD, ".", O_TMPFILE | O_RDWR, 06755);
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", unnamed);
  if (unnamed >= 0) (void)!linkat(AT_FDCWD, path, AT_FDCWD, "shell-6", AT_SYMLINK_FOLLOW);
  mkdir("folder", 0755);
  (void)!chmod("folder", 02777);
  syscall(SYS_mkdir, "folder-2", 02777);
  puts("done");
  return 0;
}
