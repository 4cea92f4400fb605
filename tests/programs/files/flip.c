/* Flips a path between a real folder and a symbolic link to the outside while writing through it. */
#include "../escape.h"

int main(void) {
  const char* outside = given("OUTSIDE");
  mkdir("flip", 0755);
  if (symlink(outside, "flop") != 0) return 2;
  pid_t pid = fork();
  if (pid == 0) {
    for (;;) renameat2(AT_FDCWD, "flip", AT_FDCWD, "flop", 2 /* RENAME_EXCHANGE */);
  }
  for (int i = 0; i < 20000; ++i) {
    int folder = open("flip", O_RDONLY | O_DIRECTORY); /* the check */
    if (folder >= 0) close(folder);
    int fd = open("flip/planted", O_CREAT | O_WRONLY, 0644); /* and the use */
    if (fd >= 0) close(fd);
  }
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
  unlink("flip"); /* whichever of them is the link now */
  unlink("flop");
  if (access(join(outside, "/planted"), F_OK) == 0) escaped("a write between check and use");
  return judge();
}
