/* Uses descriptors 8 (a folder outside) and 9 (the secret) if the launcher leaked them. */
#include "../escape.h"

int main(void) {
  char text[4096];
  if (plants(8, "planted")) escaped("descriptor 8");
  if (holds_secret(text, pread(9, text, sizeof text, 0))) escaped("descriptor 9");
  return judge();
}
