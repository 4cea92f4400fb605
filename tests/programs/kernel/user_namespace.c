/* Creates a nested user namespace, the entry to most of the kernel's privilege escalations. */
#include "../escape.h"

int main(void) {
  if (fork() == 0) _exit(unshare(CLONE_NEWUSER) == 0 ? 1 : 0);
  int status = 0;
  wait(&status);
  if (WEXITSTATUS(status) == 1) escaped("unshare");
  const struct {
    const char* name;
    unsigned long flag;
  } kinds[] = {{"clone with a user namespace", CLONE_NEWUSER},
               {"clone with user and mount namespaces", CLONE_NEWUSER | CLONE_NEWNS},
               {"clone with user and network namespaces", CLONE_NEWUSER | CLONE_NEWNET}};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; ++i) {
    long pid = syscall(SYS_clone, kinds[i].flag | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0) _exit(0);
    if (pid > 0) escaped(kinds[i].name);
  }
  return judge();
}
