/* Makes an x32 system call: the same instruction with bit 30 of the number set. */
#include "program.h"

int main(void) {
#ifdef __x86_64__
  long rc = syscall(0x40000000L + 39); /* getpid */
  if (rc > 0) worked("x32");
#endif
  return verdict();
}
