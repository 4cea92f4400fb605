// What `tessera doctor` says about the sandbox, by itself, for machines on which the whole program
// is not worth building (cgroup2_vm.sh). Ends with 1 when something is missing that a run needs.

#include <cstdio>

#include "sandbox/sandbox.h"

int main() {
  bool good = true;
  for (const sandbox::Probe& probe : sandbox::probe()) {
    good = good && (probe.available || !probe.required);
    std::printf("%s %s: %s\n", probe.available ? "yes" : "no ", probe.name.c_str(),
                probe.detail.c_str());
  }
  return good ? 0 : 1;
}
