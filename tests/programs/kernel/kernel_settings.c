/* Writes a kernel setting (the same value back), its own out-of-memory score too, and opens sysrq-trigger. */
#include "../escape.h"

static int write_back(const char* path) {
  char text[256];
  int fd = open(path, O_RDONLY);
  ssize_t n = fd >= 0 ? read(fd, text, sizeof text) : -1;
  if (fd >= 0) close(fd);
  fd = open(path, O_WRONLY);
  ssize_t done = fd >= 0 && n > 0 ? write(fd, text, (size_t)n) : -1;
  if (fd >= 0) close(fd);
  return done > 0;
}

int main(void) {
  if (write_back("/proc/sys/kernel/hung_task_timeout_secs") || write_back("/proc/sys/kernel/panic")) {
    escaped("a kernel setting");
  }
  if (write_back("/proc/self/oom_score_adj")) escaped("its out-of-memory score");
  expect_refused("sysrq-trigger", open("/proc/sysrq-trigger", O_WRONLY));
  expect_refused("/sys", open("/sys/kernel/mm/transparent_hugepage/enabled", O_WRONLY));
  return judge();
}
