/* userfaultfd(), which stops the kernel in the middle of a copy. */
#include "../escape.h"

int main(void) {
  expect_refused("userfaultfd", syscall(SYS_userfaultfd, 0));
  expect_refused("userfaultfd of user mode", syscall(SYS_userfaultfd, 1));
  return judge();
}
