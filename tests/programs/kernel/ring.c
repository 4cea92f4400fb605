/* io_uring_setup(). */
#include "../escape.h"

int main(void) {
  char params[256] = {0};
  expect_refused("io_uring_setup", syscall(SYS_io_uring_setup, 4, params));
  return judge();
}
