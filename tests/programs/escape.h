/* For the programs of the escape suite in C. Each tries one threat and says how it went on standard
 * output: `contained` and exit code 0, or a line `escaped: WHAT` for each way that worked and exit
 * code 10. What it is aimed at comes in environment variables, the same inside and in the control;
 * see tests/sandbox/scene.h. */
#include "program.h"

static inline void escaped(const char* what) {
  printf("escaped: %s\n", what);
  fflush(stdout);
  worked_count++;
}

/* For a call that answers -1 when it is refused. */
static inline long expect_refused(const char* what, long rc) {
  if (rc != -1) escaped(what);
  return rc;
}

static inline int judge(void) {
  if (worked_count == 0) puts("contained");
  return worked_count == 0 ? 0 : 10;
}

/* A target, such as OUTSIDE; without it the program means nothing. */
static inline const char* given(const char* name) {
  const char* value = getenv(name);
  if (value != NULL) return value;
  printf("broken: no %s\n", name);
  exit(2);
}

static inline int holds_secret(const void* bytes, ssize_t size) {
  const char mark[] = "TESSERA-SECRET";
  return size > 0 && memmem(bytes, (size_t)size, mark, sizeof mark - 1) != NULL;
}

/* Whether the file can be opened and holds the secret. */
static inline int reads_secret(int folder, const char* path) {
  static char text[1 << 16];
  int fd = openat(folder, path, O_RDONLY | O_NONBLOCK);
  if (fd < 0) return 0;
  ssize_t n = read(fd, text, sizeof text);
  close(fd);
  return holds_secret(text, n);
}

/* Whether a file can be made there. */
static inline int plants(int folder, const char* path) {
  int fd = openat(folder, path, O_CREAT | O_WRONLY, 0755);
  if (fd < 0) return 0;
  ssize_t n = write(fd, "#!/bin/sh\n", 10);
  close(fd);
  return n == 10;
}

static inline const char* join(const char* a, const char* b) {
  static char paths[8][8192];
  static unsigned next;
  char* path = paths[next++ % 8];
  snprintf(path, sizeof paths[0], "%s%s", a, b);
  return path;
}
