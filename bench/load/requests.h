/* What the programs share that send requests: their options, what they send, and the time in which it counts. */
#ifndef REQUESTS_H
#define REQUESTS_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common.h"

/* In what is sent, becomes a number below --numbers, nine digits long, another one each time. */
#define NUMBER "@NUMBER@@"
_Static_assert(sizeof NUMBER == 9 + 1, "a placeholder is as long as what takes its place");

static struct {
  int port;
  double seconds;
  double warm_up;
  unsigned numbers;
  const char *expect;
} shared = {.seconds = 1, .numbers = 1, .expect = ""};

/* Takes an option that all of them have; 0 where it is none. */
static inline int take_shared_option(const char *name, const char *value) {
  if (strcmp(name, "--port") == 0) shared.port = atoi(value);
  else if (strcmp(name, "--seconds") == 0) shared.seconds = atof(value);
  else if (strcmp(name, "--warm-up") == 0) shared.warm_up = atof(value);
  else if (strcmp(name, "--numbers") == 0) shared.numbers = (unsigned)atoi(value);
  else if (strcmp(name, "--expect") == 0) shared.expect = value;
  else if (strcmp(name, "--watch") == 0) watch(value);
  else return 0;
  return 1;
}

/* Reads a file into a text; returns its length. */
static inline size_t read_text(const char *file, char *text, size_t room) {
  int fd = open(file, O_RDONLY | O_CLOEXEC);
  ssize_t length = fd < 0 ? -1 : read(fd, text, room - 1);
  if (length <= 0) die("cannot read %s", file);
  close(fd);
  text[length] = 0;
  return (size_t)length;
}

static inline void put_digits(char *at, uint64_t value, int digits) {
  for (int place = digits - 1; place >= 0; place -= 1, value /= 10) at[place] = (char)('0' + value % 10);
}

/* Puts the next number in; xorshift (Marsaglia 2003): the same numbers in each run. Nothing where `at` is NULL. */
static inline void put_number(char *at) {
  static uint64_t state = 88172645463325252ull;
  if (at == NULL) return;
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  put_digits(at, state % shared.numbers, 9);
}

/* A connection to the server, which neither waits nor delays. */
static inline int connect_to_server(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)shared.port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int yes = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) die("connect: %s", strerror(errno));
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  return fd;
}

/* Answers that were as they should be are not told of; the first that was not is. */
static uint64_t failed;
static inline void take_result(int is_good, const char *answer) {
  if (is_good) return;
  if (failed == 0) fprintf(stderr, "a wrong answer: %.500s\n", answer);
  failed += 1;
}

/* The time in which things count, after the warm-up, and what was used in it. */
static struct {
  uint64_t from, end;
  int is_counting;
  double seconds, cpu, before[MAX_WATCHED], after[MAX_WATCHED];
} span;

static inline void span_plan(uint64_t start) {
  span.from = start + (uint64_t)(shared.warm_up * 1e9);
  span.end = span.from + (uint64_t)(shared.seconds * 1e9);
}

/* @returns whether it goes on. Once it does not, the span is measured. */
static inline int span_goes_on(uint64_t now) {
  if (!span.is_counting && now >= span.from) {
    span.is_counting = 1;
    span.cpu = cpu_seconds();
    watched_cpu(span.before);
  }
  if (now < span.end) return 1;
  span.seconds = (double)(now - span.from) / 1e9;
  span.cpu = cpu_seconds() - span.cpu;
  watched_cpu(span.after);
  return 0;
}

/* Ends a JSON object with what was done in the span, and the latencies. */
static inline void span_print(uint64_t done, const Histogram *latencies) {
  printf("\"failed\":%llu,\"seconds\":%.6f,\"perSecond\":%.2f,\"cpu\":%.6f,", (unsigned long long)failed,
         span.seconds, (double)done / span.seconds, span.cpu);
  watched_print(span.before, span.after);
  printf(",");
  histogram_print(latencies);
  printf("}\n");
}

#endif
