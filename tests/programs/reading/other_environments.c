/* Reads the environment of every process it can see but itself. */
#include "../escape.h"
#include <dirent.h>

int main(void) {
  DIR* proc = opendir("/proc");
  struct dirent* entry;
  while (proc != NULL && (entry = readdir(proc)) != NULL) {
    char path[300];
    int pid = atoi(entry->d_name);
    if (pid == 0 || pid == getpid()) continue;
    snprintf(path, sizeof path, "/proc/%d/environ", pid);
    if (reads_secret(AT_FDCWD, path)) escaped(pid == atoi(given("VICTIM")) ? "the victim's" : "another's");
  }
  return judge();
}
