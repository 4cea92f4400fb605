/* io_uring: opens a socket and connects through the ring, which a filter's socket rules never see. */
#include "../escape.h"
#include <arpa/inet.h>
#include <linux/io_uring.h>
#include <netinet/in.h>

static int ring;
static struct io_uring_params params;
static char *submission, *completion;
static struct io_uring_sqe* entries;

static int submit(struct io_uring_sqe entry) {
  uint32_t* tail = (uint32_t*)(submission + params.sq_off.tail);
  uint32_t mask = *(uint32_t*)(submission + params.sq_off.ring_mask);
  uint32_t* order = (uint32_t*)(submission + params.sq_off.array);
  entries[*tail & mask] = entry;
  order[*tail & mask] = *tail & mask;
  __atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
  if (syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0) return -1;
  uint32_t* head = (uint32_t*)(completion + params.cq_off.head);
  struct io_uring_cqe* results = (struct io_uring_cqe*)(completion + params.cq_off.cqes);
  int result = results[*head & *(uint32_t*)(completion + params.cq_off.ring_mask)].res;
  __atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
  return result;
}

int main(void) {
  ring = (int)syscall(SYS_io_uring_setup, 4, &params);
  if (ring < 0) return judge();
  submission = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
  completion = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_CQ_RING);
  entries = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
  if (submission == MAP_FAILED || completion == MAP_FAILED || entries == (void*)-1) return 2;
  struct io_uring_sqe open_socket = {.opcode = 45 /* IORING_OP_SOCKET */, .fd = AF_INET, .off = SOCK_STREAM};
  int fd = submit(open_socket);
  if (fd < 0) fd = socket(AF_INET, SOCK_STREAM, 0); /* a kernel before 5.19 */
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(given("TCP4")))};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  struct io_uring_sqe connect_it = {.opcode = IORING_OP_CONNECT, .fd = fd, .addr = (uintptr_t)&to, .off = sizeof to};
  if (fd >= 0 && submit(connect_it) == 0) escaped("connect through the ring");
  return judge();
}
