/* An x32 system call: the same instruction with bit 30 of the number set, which a filter on numbers may not know. */
#include "../escape.h"

int main(void) {
#ifdef __x86_64__
  if (syscall(0x40000000L + 41, AF_INET, SOCK_STREAM, 0) >= 0) escaped("socket");
#endif
  return judge();
}
