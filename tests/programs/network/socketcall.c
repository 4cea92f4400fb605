/* 32-bit system calls (int 0x80, socketcall) from a 64-bit program, to pass a filter that knows x86-64 only. */
#include "../escape.h"
#include <arpa/inet.h>
#include <netinet/in.h>

#ifdef __x86_64__
static long call32(long number, long a, long b) {
  __asm__ volatile("int $0x80" : "+a"(number) : "b"(a), "c"(b) : "memory", "r8", "r9", "r10", "r11");
  return number;
}
#endif

int main(void) {
#ifdef __x86_64__
  /* The arguments must lie where 32 bits reach. */
  struct {
    uint32_t arguments[3];
    struct sockaddr_in to;
  }* low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  if (low == MAP_FAILED) return 2;
  low->arguments[0] = AF_INET;
  low->arguments[1] = SOCK_STREAM;
  low->arguments[2] = 0;
  long fd = call32(102 /* socketcall */, 1 /* socket */, (long)low->arguments);
  if (fd < 0) return judge();
  low->to.sin_family = AF_INET;
  low->to.sin_port = htons((uint16_t)atoi(given("TCP4")));
  low->to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  low->arguments[0] = (uint32_t)fd;
  low->arguments[1] = (uint32_t)(uintptr_t)&low->to;
  low->arguments[2] = sizeof low->to;
  if (call32(102, 3 /* connect */, (long)low->arguments) == 0) escaped("socketcall");
#endif
  return judge();
}
