/* Loads a trivial BPF program. */
#include "../escape.h"
#include <linux/bpf.h>

int main(void) {
  struct bpf_insn code[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 0},
                            {.code = BPF_JMP | BPF_EXIT}};
  union bpf_attr attr = {.prog_type = BPF_PROG_TYPE_SOCKET_FILTER, .insn_cnt = 2};
  attr.insns = (uintptr_t)code;
  attr.license = (uintptr_t)"GPL";
  expect_refused("bpf(PROG_LOAD)", syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof attr));
  return judge();
}
