// SPDX-License-Identifier: Apache-2.0
// For LD_PRELOAD: the time of day jumps at every look, a day ahead, back by two, ahead by a year. Clocks that
// only run on do so.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/time.h>
#include <time.h>

static time_t jump(void) {
  static atomic_uint looks;
  static const time_t kDay = 86400;
  static const int kDays[] = {0, 1, -1, 364};
  return kDays[atomic_fetch_add(&looks, 1) % 4] * kDay;
}

int clock_gettime(clockid_t clock, struct timespec* now) {
  int (*next)(clockid_t, struct timespec*) =
      (int (*)(clockid_t, struct timespec*))dlsym(RTLD_NEXT, "clock_gettime");
  const int result = next(clock, now);
  if (clock == CLOCK_REALTIME) now->tv_sec += jump();
  return result;
}

time_t time(time_t* there) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (there != NULL) *there = now.tv_sec;
  return now.tv_sec;
}

int gettimeofday(struct timeval* now, void* zone) {
  (void)zone;
  struct timespec exact;
  clock_gettime(CLOCK_REALTIME, &exact);
  now->tv_sec = exact.tv_sec;
  now->tv_usec = exact.tv_nsec / 1000;
  return 0;
}
