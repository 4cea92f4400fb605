/* TCP fast open: sendto() and sendmsg() with MSG_FASTOPEN, without connect(), a known gap of Landlock and of filters. */
#include "../escape.h"
#include <arpa/inet.h>
#include <netinet/in.h>

int main(void) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(given("TCP4")))};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd >= 0 && sendto(fd, "x", 1, MSG_FASTOPEN, (struct sockaddr*)&to, sizeof to) == 1) escaped("sendto");
  struct iovec data = {"x", 1};
  struct msghdr message = {.msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &data, .msg_iovlen = 1};
  fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd >= 0 && sendmsg(fd, &message, MSG_FASTOPEN) == 1) escaped("sendmsg");
  return judge();
}
