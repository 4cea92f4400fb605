/* Opens a socket of every family that leads into the kernel or past the network namespace. */
#include "program.h"

int main(void) {
  struct {
    const char* name;
    int family, type, protocol;
  } kinds[] = {{"inet", AF_INET, SOCK_STREAM, 0},     {"inet6", AF_INET6, SOCK_STREAM, 0},
               {"raw icmp", AF_INET, SOCK_RAW, 1},    {"packet", AF_PACKET, SOCK_RAW, 0},
               {"alg", AF_ALG, SOCK_SEQPACKET, 0},    {"vsock", AF_VSOCK, SOCK_STREAM, 0},
               {"netlink", AF_NETLINK, SOCK_RAW, 16}, {"netfilter", AF_NETLINK, SOCK_RAW, 12},
               {"unix", AF_UNIX, SOCK_STREAM, 0},     {"bluetooth", AF_BLUETOOTH, SOCK_RAW, 1}};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; ++i) {
    attempt(kinds[i].name, socket(kinds[i].family, kinds[i].type, kinds[i].protocol));
  }
  int pair[2];
  attempt("socketpair(AF_TIPC)", socketpair(AF_TIPC, SOCK_STREAM, 0, pair));
  return verdict();
}
