/* Takes the walls down: mounts, unmounts, new roots, by the old and the new calls. */
#include "program.h"
#include <sys/mount.h>

int main(void) {
  mkdir("m", 0755);
  attempt("mount tmpfs", mount("none", "m", "tmpfs", 0, NULL));
  attempt("bind /", mount("/", "m", NULL, MS_BIND, NULL));
  attempt("remount /", mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL));
  attempt("umount .git", umount2(".git", MNT_DETACH));
  attempt("umount /", umount2("/", MNT_DETACH));
  attempt("chroot", chroot("."));
  attempt("pivot_root", syscall(SYS_pivot_root, ".", "."));
  attempt("fsopen", syscall(430, "tmpfs", 0));
  attempt("open_tree", syscall(428, AT_FDCWD, "/", 1));
  attempt("mount_setattr", syscall(442, AT_FDCWD, "/", 0, &(uint64_t[4]){0}, 32));
  return verdict();
}
