/* climb SECRET: walks up from the workspace with openat("..") and chroot, then opens SECRET by name. */
#include "program.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const char* relative = argv[1] + 1;
  int here = open(".", O_RDONLY | O_DIRECTORY);
  mkdir("jail", 0755);
  if (chroot("jail") == 0) worked("chroot");
  int fd = here;
  for (int i = 0; i < 64; ++i) {
    int up = openat(fd, "..", O_RDONLY | O_DIRECTORY);
    if (up < 0) break;
    fd = up;
  }
  char byte;
  int secret = openat(fd, relative, O_RDONLY);
  if (secret >= 0 && read(secret, &byte, 1) == 1) worked("openat(..)");
  struct {
    struct file_handle handle;
    unsigned char bytes[8];
  } root = {{8, 1}, {2, 0, 0, 0, 0, 0, 0, 0}};  /* inode 2 is the root of ext4 */
  attempt("open_by_handle_at", syscall(SYS_open_by_handle_at, here, &root.handle, O_RDONLY));
  return verdict();
}
