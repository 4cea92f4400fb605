/* connect_tcp PORT: reaches a listener on the loopback of the host in every way. */
#include "program.h"
#include <arpa/inet.h>
#include <netinet/in.h>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd >= 0) worked("socket(AF_INET)");
  if (fd >= 0 && connect(fd, (struct sockaddr*)&to, sizeof to) == 0) worked("connect");
  int fast = socket(AF_INET, SOCK_STREAM, 0);
  if (fast >= 0 && sendto(fast, "x", 1, MSG_FASTOPEN, (struct sockaddr*)&to, sizeof to) == 1) worked("TCP fast open");
  int udp = socket(AF_INET, SOCK_DGRAM, 0);
  if (udp >= 0 && sendto(udp, "x", 1, 0, (struct sockaddr*)&to, sizeof to) == 1) worked("UDP");
  return verdict();
}
