/* Reads the key in the user's session keyring. */
#include "../escape.h"

int main(void) {
  char text[256];
  for (int ring = -5; ring < 0; ++ring) { /* user session, user, session, process, thread */
    long key = syscall(SYS_keyctl, 10 /* SEARCH */, ring, "user", given("KEY_NAME"), 0);
    if (key > 0 && holds_secret(text, syscall(SYS_keyctl, 11 /* READ */, key, text, sizeof text))) {
      escaped(ring == -3 ? "the session keyring" : "a keyring");
    }
  }
  long key = syscall(SYS_request_key, "user", given("KEY_NAME"), NULL, 0);
  if (key > 0) escaped("request_key");
  return judge();
}
