/* Checks that no_new_privs is set: otherwise a set-uid program gains rights. */
#include "../escape.h"

int main(void) {
  if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) escaped("no_new_privs is not set");
  return judge();
}
