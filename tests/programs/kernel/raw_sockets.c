/* Opens raw ICMP, AF_PACKET and AF_ALG sockets. */
#include "../escape.h"

int main(void) {
  expect_refused("raw ICMP", socket(AF_INET, SOCK_RAW, 1));
  expect_refused("raw ICMPv6", socket(AF_INET6, SOCK_RAW, 58));
  expect_refused("AF_PACKET", socket(AF_PACKET, SOCK_RAW, 0));
  expect_refused("AF_ALG", socket(AF_ALG, SOCK_SEQPACKET, 0));
  expect_refused("AF_INET", socket(AF_INET, SOCK_DGRAM, 0));
  int pair[2];
  expect_refused("socketpair of AF_TIPC", socketpair(AF_TIPC, SOCK_STREAM, 0, pair));
  return judge();
}
