/* memory MIB PROCESSES: that many processes allocate and touch that much each, and hold it at the same time. */
#include "../escape.h"

static int holds(size_t bytes) {
  char* memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 0;
  for (size_t i = 0; i < bytes; i += 4096) memory[i] = 1;
  return 1;
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const size_t bytes = (size_t)atoi(argv[1]) << 20;
  const int others = atoi(argv[2]) - 1;
  int ready[2];
  if (pipe(ready) != 0) return 2;
  for (int i = 0; i < others; ++i) {
    if (fork() != 0) continue;
    close(ready[0]);
    if (!holds(bytes)) _exit(0);
    (void)!write(ready[1], "x", 1);
    for (;;) pause();
  }
  close(ready[1]);
  int held = holds(bytes);
  /* Only all of them together are too much. */
  char byte;
  for (int i = 0; i < others; ++i) held += read(ready[0], &byte, 1) == 1;
  usleep(300000); /* whoever adds up may do so now and then */
  if (held == others + 1) escaped("held it all");
  /* No word otherwise: one of them may have been ended first, and this one at any moment. */
  return worked_count == 0 ? 0 : 10;
}
