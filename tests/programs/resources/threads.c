/* Starts 400 threads. */
#include "../escape.h"
#include <pthread.h>

static void* stay(void* nothing) {
  for (;;) pause();
  return nothing;
}

int main(void) {
  pthread_attr_t attr;
  pthread_attr_init(&attr);
  pthread_attr_setstacksize(&attr, 65536);
  int started = 0;
  for (int i = 0; i < 400; ++i) {
    pthread_t thread;
    if (pthread_create(&thread, &attr, stay, NULL) == 0) started++;
  }
  usleep(300000);
  if (started == 400) escaped("400 threads");
  return judge();
}
