/* write_outside FILE FOLDER [system]: changes FILE and plants something in FOLDER, both outside the workspace; and in
 * the system's folders, if asked to. */
#include "program.h"

static void through(const char* what, const char* path) {
  int fd = open(path, O_WRONLY | O_APPEND);
  if (fd < 0) return;
  if (write(fd, "x", 1) == 1) worked(what);
  close(fd);
}

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const char *file = argv[1], *folder = argv[2];
  char path[8192];
  through("absolute path", file);
  snprintf(path, sizeof path, "../%s", strrchr(file, '/') + 1);
  through("../", path);
  snprintf(path, sizeof path, "/proc/1/root%s", file);
  through("/proc/1/root", path);
  snprintf(path, sizeof path, "/proc/self/root%s", file);
  through("/proc/self/root", path);
  snprintf(path, sizeof path, "/proc/%d/cwd/../%s", getppid(), strrchr(file, '/') + 1);
  through("the parent's cwd", path);
  if (symlink(file, "link") == 0) {
    through("symbolic link", "link");
    unlink("link"); /* else the run ends as a violation for leaving it behind */
  }
  if (link(file, "hard") == 0) {
    worked("hard link");
    through("hard link", "hard");
  }
  snprintf(path, sizeof path, "%s/new", folder);
  int fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0644);
  /* Inside, the folder may exist in the private /tmp, so that only the host can tell: the test looks there. */
  if (fd >= 0) {
    close(fd);
    unlink(path);
    worked("new file");
  }
  snprintf(path, sizeof path, "%s.moved", file);
  if (rename(file, path) == 0) {
    worked("rename");
    (void)!rename(path, file);
  }
  attempt("truncate", truncate(file, 0));
  for (const char* const* p = (const char* const[]){"/usr/bin/tessera-test", "/etc/tessera-test", "/tessera-test",
                                                     "/usr/lib/tessera-test", "/dev/tessera-test", NULL};
       argc > 3 && *p != NULL; ++p) {
    int made = open(*p, O_CREAT | O_EXCL | O_WRONLY, 0644);
    if (made >= 0) {
      unlink(*p);
      worked(*p);
    }
  }
  return verdict();
}
