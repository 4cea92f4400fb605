/* Tells which rights it has: capabilities, gaining new ones, set-uid bits and devices left in the workspace. */
#include "program.h"
#include <sys/sysmacros.h>

int main(void) {
  FILE* status = fopen("/proc/self/status", "r");
  char line[256];
  while (status != NULL && fgets(line, sizeof line, status) != NULL) {
    unsigned long long caps;
    if (sscanf(line, "CapEff: %llx", &caps) == 1 && caps != 0) worked("effective capabilities");
    if (sscanf(line, "CapBnd: %llx", &caps) == 1 && caps != 0) worked("bounding set");
  }
  if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) worked("no_new_privs is not set");
  int fd = open("plain", O_CREAT | O_RDWR, 0755);
  attempt("chmod u+s", chmod("plain", 04755));
  attempt("fchmod g+s", fchmod(fd, 02755));
  attempt("fchmodat u+s", syscall(SYS_fchmodat, AT_FDCWD, "plain", 04755));
  attempt("fchmodat2 u+s", syscall(452, AT_FDCWD, "plain", 04755, 0));
  attempt("open u+s", syscall(SYS_open, "set-uid", O_CREAT | O_RDWR, 04755));
  attempt("openat u+s", syscall(SYS_openat, AT_FDCWD, "set-uid-2", O_CREAT | O_RDWR, 04755));
  attempt("creat u+s", syscall(SYS_creat, "set-uid-3", 04755));
  uint64_t how[3] = {O_CREAT | O_RDWR, 04755, 0};
  attempt("openat2 u+s", syscall(437, AT_FDCWD, "set-uid-4", how, sizeof how));
  attempt("O_TMPFILE u+s", syscall(SYS_openat, AT_FDCWD, ".", O_TMPFILE | O_RDWR, 04755));
  attempt("block device", mknod("disk", S_IFBLK | 0600, makedev(254, 0)));
  attempt("FIFO", mkfifo("fifo", 0600));
  attempt("xattr", syscall(SYS_setxattr, "plain", "user.x", "x", 1, 0));
  return verdict();
}
