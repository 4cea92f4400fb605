/* Calls that an honest script never makes and that have let many out. */
#include "program.h"

int main(void) {
  char buffer[256] = {0};
  attempt("io_uring_setup", syscall(425, 4, buffer));
  attempt("bpf", syscall(SYS_bpf, 0, buffer, sizeof buffer));
  attempt("userfaultfd", syscall(SYS_userfaultfd, 1));
  memset(buffer, 0, sizeof buffer);
  *(uint32_t*)buffer = 1; /* PERF_TYPE_SOFTWARE */
  *(uint32_t*)(buffer + 4) = 112;
  attempt("perf_event_open", syscall(SYS_perf_event_open, buffer, 0, -1, -1, 0));
  attempt("keyctl", syscall(SYS_keyctl, 0 /* GET_KEYRING_ID */, -3, 1));
  attempt("add_key", syscall(SYS_add_key, "user", "tessera", "x", 1, -2));
  attempt("syslog", syscall(SYS_syslog, 10 /* SIZE_BUFFER */, NULL, 0));
  attempt("memfd_create", syscall(SYS_memfd_create, "x", 0));
  attempt("shmget", syscall(SYS_shmget, 0 /* IPC_PRIVATE */, 4096, 01600));
  attempt("personality", syscall(SYS_personality, 0xffffffff));
  attempt("name_to_handle_at", syscall(SYS_name_to_handle_at, AT_FDCWD, ".", &(int[34]){128}, buffer, 0));
  return verdict();
}
