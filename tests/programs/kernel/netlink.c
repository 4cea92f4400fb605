/* AF_NETLINK generic and netfilter sockets. */
#include "../escape.h"

int main(void) {
  expect_refused("generic", socket(AF_NETLINK, SOCK_RAW, 16));
  expect_refused("netfilter", socket(AF_NETLINK, SOCK_RAW, 12));
  expect_refused("route", socket(AF_NETLINK, SOCK_RAW, 0));
  return judge();
}
