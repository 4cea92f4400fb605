/* add_key() and keyctl(), parts of the kernel with a history. */
#include "../escape.h"

int main(void) {
  expect_refused("add_key", syscall(SYS_add_key, "user", "tessera-escape", "x", 1, -2 /* of this process */));
  expect_refused("keyctl", syscall(SYS_keyctl, 0 /* GET_KEYRING_ID */, -2, 1));
  return judge();
}
