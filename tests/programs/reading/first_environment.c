/* Reads the environment of the first process and of the parents: a sandbox's own init often keeps the launcher's. */
#include "../escape.h"

static int parent_of(int pid) {
  char path[64], text[4096];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  int fd = open(path, O_RDONLY);
  ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
  if (fd >= 0) close(fd);
  if (n <= 0) return 0;
  text[n] = '\0';
  char* end = strrchr(text, ')');
  int parent = 0;
  return end != NULL && sscanf(end, ") %*c %d", &parent) == 1 ? parent : 0;
}

int main(void) {
  if (reads_secret(AT_FDCWD, "/proc/1/environ")) escaped("the first process's environment");
  int fd = open("/proc/1/environ", O_RDONLY);
  char byte;
  if (fd >= 0 && getpid() != 1 && read(fd, &byte, 1) >= 0) escaped("opened the first process's environment");
  for (int pid = getppid(); pid > 0; pid = parent_of(pid)) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/environ", pid);
    if (reads_secret(AT_FDCWD, path)) escaped("a parent's environment");
  }
  return judge();
}
