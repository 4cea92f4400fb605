/* perf_event_open() of a software clock of its own. */
#include "../escape.h"
#include <linux/perf_event.h>

int main(void) {
  struct perf_event_attr attr = {.type = PERF_TYPE_SOFTWARE, .size = sizeof attr, .config = PERF_COUNT_SW_TASK_CLOCK};
  attr.exclude_kernel = 1;
  expect_refused("perf_event_open", syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0));
  return judge();
}
