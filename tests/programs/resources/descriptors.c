/* Opens 8000 file descriptors. */
#include "../escape.h"
#include <sys/resource.h>

int main(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  int n = 0;
  while (n < 8000 && open("/dev/null", O_RDONLY) >= 0) n++;
  if (n == 8000) escaped("8000 descriptors");
  return judge();
}
