/* Reads the kernel log with syslog(), where addresses and names of the host are. */
#include "../escape.h"

int main(void) {
  char text[4096];
  expect_refused("its size", syscall(SYS_syslog, 10 /* SIZE_BUFFER */, NULL, 0));
  expect_refused("its text", syscall(SYS_syslog, 3 /* READ_ALL */, text, sizeof text));
  return judge();
}
