/* Opens files that talk to the kernel, to its devices and to the first process. */
#include "program.h"

int main(void) {
  const char* to_write[] = {"/proc/sys/kernel/hostname", "/proc/sysrq-trigger", "/proc/self/oom_score_adj",
                            "/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/pids/cgroup.procs",
                            "/proc/self/uid_map", "/proc/1/mem"};
  const char* to_read[] = {"/proc/kcore", "/proc/kmsg",    "/dev/vda",        "/dev/sda",  "/dev/mem",
                           "/dev/kmsg",   "/dev/tty",      "/proc/1/environ", "/proc/1/maps", "/proc/1/mem",
                           "/proc/keys",  "/proc/kallsyms", "/sys/kernel"};
  for (size_t i = 0; i < sizeof to_write / sizeof *to_write; ++i) attempt(to_write[i], open(to_write[i], O_WRONLY));
  char byte;
  for (size_t i = 0; i < sizeof to_read / sizeof *to_read; ++i) {
    int fd = open(to_read[i], O_RDONLY | O_NONBLOCK);
    if (fd >= 0 && (read(fd, &byte, 1) >= 0 || errno != EACCES)) worked(to_read[i]);
  }
  attempt("/proc/1/fd", open("/proc/1/fd", O_RDONLY | O_DIRECTORY));
  return verdict();
}
