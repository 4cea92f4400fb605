/* Attaches to a process outside with ptrace. */
#include "../escape.h"
#include <sys/ptrace.h>

int main(void) {
  pid_t victim = atoi(given("VICTIM"));
  if (ptrace(PTRACE_SEIZE, victim, NULL, NULL) == 0) escaped("PTRACE_SEIZE");
  return judge();
}
