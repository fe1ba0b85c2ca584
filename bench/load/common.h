/* What the load programs share: time, CPU, memory for latencies, and ends with a reason. */
#ifndef COMMON_H
#define COMMON_H

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <time.h>

static inline uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline double cpu_seconds(void) {
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
         (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static inline void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  exit(1);
}

/* As many file descriptors as the system lets this process have. */
static inline void raise_file_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

#define MAX_WATCHED 16
static pid_t watched[MAX_WATCHED];
static int watched_count;

/* Takes the ids of the processes that serve: numbers separated by commas. */
static inline void watch(const char *list) {
  for (char *end, *rest = (char *)list; *rest != 0; rest = *end == ',' ? end + 1 : end) {
    if (watched_count == MAX_WATCHED) die("--watch takes %d processes", MAX_WATCHED);
    watched[watched_count++] = (pid_t)strtol(rest, &end, 10);
    if (*end != ',' && *end != 0) die("--watch takes numbers separated by commas");
  }
}

/* Their user and system time until now, each to the nanosecond: /proc has hundredths of a second. */
static inline void watched_cpu(double *seconds) {
  for (int at = 0; at < watched_count; at += 1) {
    clockid_t clock;
    struct timespec t;
    if (clock_getcpuclockid(watched[at], &clock) != 0 || clock_gettime(clock, &t) != 0)
      die("process %d has gone", (int)watched[at]);
    seconds[at] = (double)t.tv_sec + (double)t.tv_nsec / 1e9;
  }
}

/* Writes what they have used since `before` as a member of a JSON object, in the order of the list. */
static inline void watched_print(const double *before, const double *after) {
  printf("\"serverCpu\":[");
  for (int at = 0; at < watched_count; at += 1) printf("%s%.9f", at > 0 ? "," : "", after[at] - before[at]);
  printf("]");
}

/* Latencies in nanoseconds: 32 steps for each power of two, so that a value is off by 3 % at most. */
#define STEPS 32
typedef struct {
  uint64_t counts[64 * STEPS];
  uint64_t total;
  uint64_t max;
} Histogram;

static inline void histogram_add(Histogram *h, uint64_t ns) {
  unsigned index;
  if (ns < STEPS) {
    index = (unsigned)ns;
  } else {
    unsigned power = 63u - (unsigned)__builtin_clzll(ns); /* at least 5 */
    index = (power - 4) * STEPS + (unsigned)((ns >> (power - 5)) & (STEPS - 1));
  }
  h->counts[index] += 1;
  h->total += 1;
  if (ns > h->max) h->max = ns;
}

/* The value below which `share` of all are, in milliseconds. */
static inline double histogram_ms(const Histogram *h, double share) {
  uint64_t wanted = (uint64_t)((double)h->total * share + 0.999999), seen = 0;
  if (h->total == 0) return 0;
  for (unsigned index = 0; index < 64 * STEPS; index += 1) {
    seen += h->counts[index];
    if (seen < wanted || seen == 0) continue;
    unsigned power = index / STEPS + 4;
    uint64_t value = index < STEPS ? index : ((uint64_t)(STEPS + index % STEPS + 1) << (power - 5)) - 1;
    return (double)(value < h->max ? value : h->max) / 1e6;
  }
  return (double)h->max / 1e6;
}

/* Writes the percentiles as members of a JSON object. */
static inline void histogram_print(const Histogram *h) {
  printf("\"samples\":%llu,\"p50\":%.4f,\"p99\":%.4f,\"p999\":%.4f,\"max\":%.4f",
         (unsigned long long)h->total, histogram_ms(h, 0.5), histogram_ms(h, 0.99), histogram_ms(h, 0.999),
         (double)h->max / 1e6);
}

#endif
