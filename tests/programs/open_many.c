/* Opens 8000 descriptors. */
#include "program.h"

int main(void) {
  int n = 0;
  while (n < 8000 && open("/dev/null", O_RDONLY) >= 0) n++;
  if (n == 8000) worked("8000 descriptors");
  return verdict();
}
