/* Attaches the host's System V shared memory segment. */
#include "../escape.h"
#include <sys/shm.h>

int main(void) {
  void* memory = shmat(atoi(given("SHM_ID")), NULL, SHM_RDONLY);
  if (memory != (void*)-1 && holds_secret(memory, 64)) escaped("shmat");
  return judge();
}
