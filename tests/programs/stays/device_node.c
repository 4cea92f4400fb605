/* Makes device nodes in the workspace, of the host's disk and of memory, and reads the disk through one. */
#include "../escape.h"
#include <sys/sysmacros.h>

int main(void) {
  struct stat root;
  char block[512];
  /* The disk that the workspace lies on, else the first virtio disk. */
  dev_t disk = stat(".", &root) == 0 && major(root.st_dev) != 0 ? root.st_dev : makedev(254, 0);
  (void)!mknod("disk", S_IFBLK | 0600, disk);
  (void)!mknodat(AT_FDCWD, "disk-2", S_IFBLK | 0600, disk);
  (void)!mknod("memory", S_IFCHR | 0600, makedev(1, 1));
  int fd = open("disk", O_RDONLY);
  if (fd >= 0 && read(fd, block, sizeof block) == sizeof block) escaped("read the raw disk");
  puts("done");
  return 0;
}
