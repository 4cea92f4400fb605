/* memory_bomb MIB CHILDREN: that many processes touch that much each, and hold it. */
#include "program.h"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  size_t bytes = (size_t)atoi(argv[1]) << 20;
  for (int i = 1; i < atoi(argv[2]); ++i) {
    if (fork() == 0) break;
  }
  char* memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 3;
  for (size_t i = 0; i < bytes; i += 4096) memory[i] = 1;
  worked("held it all");
  sleep(1);
  return verdict();
}
