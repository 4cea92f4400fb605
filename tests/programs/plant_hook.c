/* plant_hook REPOSITORY: writes a hook and changes the configuration, by every way around a cover. */
#include "program.h"

static int put(const char* path) {
  int fd = open(path, O_CREAT | O_WRONLY | O_APPEND, 0755);
  if (fd < 0) return -1;
  int rc = write(fd, "#!/bin/sh\n", 10) == 10 ? 0 : -1;
  close(fd);
  return rc;
}

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  char path[4096], other[4096];
  mkdir(argv[1], 0755);
  snprintf(path, sizeof path, "%s/.git", argv[1]);
  mkdir(path, 0755);
  snprintf(path, sizeof path, "%s/.git/hooks", argv[1]);
  mkdir(path, 0755);
  snprintf(path, sizeof path, "%s/.git/hooks/pre-commit", argv[1]);
  attempt("hook", put(path));
  snprintf(path, sizeof path, "%s/.git/config", argv[1]);
  attempt("config", put(path));
  snprintf(path, sizeof path, "%s/.git", argv[1]);
  snprintf(other, sizeof other, "%s/moved", argv[1]);
  if (rename(path, other) == 0) {
    worked("rename .git");
    (void)!rename(other, path);
  }
  return verdict();
}
