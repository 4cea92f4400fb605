/* Has capabilities that reach the file system or the network, or can become another user. */
#include "../escape.h"
#include <grp.h>

int main(void) {
  FILE* status = fopen("/proc/self/status", "r");
  char line[256], name[8];
  while (status != NULL && fgets(line, sizeof line, status) != NULL) {
    unsigned long long set;
    if (sscanf(line, "Cap%3s: %llx", name, &set) == 2 && set != 0) {
      char what[32];
      snprintf(what, sizeof what, "capabilities Cap%.3s", name);
      escaped(what);
    }
  }
  if (getuid() != 0 && setuid(0) == 0) escaped("setuid 0");
  if (getuid() == 0 || geteuid() == 0) escaped("is root");
  if (getgid() != 0 && setgid(0) == 0) escaped("setgid 0");
  if (setgroups(0, NULL) == 0) escaped("setgroups");
  return judge();
}
