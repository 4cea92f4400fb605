/* Opens an AF_VSOCK socket, which reaches the hypervisor's host past any network namespace. */
#include "../escape.h"

int main(void) {
  expect_refused("AF_VSOCK stream", socket(AF_VSOCK, SOCK_STREAM, 0));
  expect_refused("AF_VSOCK datagram", socket(AF_VSOCK, SOCK_DGRAM, 0));
  return judge();
}
