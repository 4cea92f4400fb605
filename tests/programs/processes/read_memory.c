/* process_vm_readv() of the victim's memory. */
#include "../escape.h"
#include <sys/uio.h>

int main(void) {
  char text[64];
  void* there = (void*)strtoull(given("ADDRESS"), NULL, 16);
  struct iovec local = {text, sizeof text}, remote = {there, sizeof text};
  if (holds_secret(text, process_vm_readv(atoi(given("VICTIM")), &local, 1, &remote, 1, 0))) {
    escaped("process_vm_readv");
  }
  return judge();
}
