/* Makes its own mount namespace, remounts / writable and writes outside. */
#include "../escape.h"
#include <sys/mount.h>

int main(void) {
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0 && unshare(CLONE_NEWNS) != 0) return judge();
  escaped("a mount namespace");
  if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0) escaped("changed the root mount");
  (void)!mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RELATIME, NULL);
  if (plants(AT_FDCWD, join(given("OUTSIDE"), "/planted"))) escaped("a write outside");
  return judge();
}
