/* Makes a 32-bit system call from a 64-bit program, to pass a filter that looks at 64-bit numbers only. */
#include "program.h"

int main(void) {
#ifdef __x86_64__
  long rc = 20; /* getpid */
  __asm__ volatile("int $0x80" : "+a"(rc) : : "memory", "r8", "r9", "r10", "r11");
  if (rc > 0) worked("int 0x80");
#endif
  return verdict();
}
