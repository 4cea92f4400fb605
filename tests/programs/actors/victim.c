/* victim SECRET-FILE SECRET: a process of the host that programs of the escape suite try to reach. It has the secret
 * in its memory, its environment (from whoever starts it) and an open file, and stands in the current folder. Says the
 * address of the one in memory on standard output and waits. */
#include "../program.h"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  static char secret[256];
  snprintf(secret, sizeof secret, "%s", argv[2]);
  if (open(argv[1], O_RDONLY) < 0) return 2;
  prctl(PR_SET_NAME, "tessera-victim");
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  printf("%p\n", (void*)secret);
  fclose(stdout);
  for (;;) pause();
}
