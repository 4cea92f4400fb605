/* Reads raw devices: disks, memory, the kernel's messages. */
#include "../escape.h"

int main(void) {
  const char* paths[] = {"/dev/vda", "/dev/sda",   "/dev/nvme0n1", "/dev/mem",    "/dev/kmsg", "/dev/port",
                         "/dev/kvm", "/dev/fuse", "/dev/net/tun", "/proc/kcore", "/proc/kmsg"};
  for (size_t i = 0; i < sizeof paths / sizeof *paths; ++i) {
    int fd = open(paths[i], O_RDONLY | O_NONBLOCK);
    if (fd >= 0) escaped(paths[i]);
    if (fd >= 0) close(fd);
  }
  return judge();
}
