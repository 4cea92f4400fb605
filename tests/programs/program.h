/* What the hostile programs share. Each tries one forbidden thing in every way it knows and tells by its exit code:
 * 0 nothing worked, 10 something did. What worked is named on standard output, so a failing test says which. The same
 * program run without the sandbox must end with 10, which shows that it can tell. */
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int worked_count;

/* Reports a thing that should have been refused. */
static inline void worked(const char* what) {
  printf("worked: %s\n", what);
  fflush(stdout);
  worked_count++;
}

/* For a call that answers -1 when it is refused. */
static inline long attempt(const char* what, long rc) {
  if (rc != -1) worked(what);
  return rc;
}

static inline int verdict(void) { return worked_count == 0 ? 0 : 10; }
