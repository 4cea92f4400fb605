/* Unmounts the read-only cover over .git inside a nested user and mount namespace and writes a hook. */
#include "../escape.h"
#include <sys/mount.h>

int main(void) {
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0) escaped("a user and mount namespace");
  if (umount2(".git", MNT_DETACH) == 0 || umount2(".git/hooks", MNT_DETACH) == 0) escaped("umount");
  if (mount(NULL, ".git", NULL, MS_REMOUNT | MS_BIND, NULL) == 0) escaped("remount");
  if (rename(".git", "git-moved") == 0) {
    escaped("rename");
    (void)!rename("git-moved", ".git");
  }
  if (plants(AT_FDCWD, ".git/hooks/pre-commit")) escaped("a hook");
  return judge();
}
