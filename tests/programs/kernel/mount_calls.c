/* The old and the new mount calls, in a mount namespace of its own where one can be had. */
#include "../escape.h"
#include <sys/mount.h>

int main(void) {
  /* A control must not change the mounts of the machine. */
  int own = unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0;
  mkdir("m", 0755);
  expect_refused("fsopen", syscall(SYS_fsopen, "tmpfs", 0));
  expect_refused("open_tree", syscall(SYS_open_tree, AT_FDCWD, "/", 1 /* OPEN_TREE_CLONE */));
  if (own || geteuid() != 0) {
    expect_refused("mount", mount("none", "m", "tmpfs", 0, NULL));
    expect_refused("bind", mount("/", "m", NULL, MS_BIND | MS_REC, NULL));
    expect_refused("umount", umount2("m", MNT_DETACH));
    expect_refused("pivot_root", syscall(SYS_pivot_root, "m", "m"));
  }
  return judge();
}
