/*
 * The back end's side of the benchmark: keep-alive connections, one request in flight on each, no pipelining.
 * One thread, epoll. Either as fast as answers come (--rate 0), or so many requests a second whatever the answers do
 * (open loop): then the latency of a request counts from when it was due, not from when a connection was free.
 *
 * In the request file `@NUMBER@@` stands for numbers (requests.h), and `@TIME@@@@@@@@@@@@@@` becomes the nanosecond at
 * which the request was due, 19 digits long, which does not change its length.
 * An answer is good if its status is 200 and it holds the text of --expect.
 *
 * {"requests": answered in time, "inFlight": answered after it, "unsent": were due and found no free connection,
 *  "lost": never answered, "failed", "seconds", "perSecond", "cpu", "serverCpu", latencies}
 */
#define _GNU_SOURCE
#include <poll.h>
#include <sys/epoll.h>

#include "requests.h"

#define MAX_CONNECTIONS 1024
#define MAX_DUE (1 << 20)
#define TIME "@TIME@@@@@@@@@@@@@@"
#define DRAIN_SECONDS 3

_Static_assert(sizeof TIME == 19 + 1, "a placeholder is as long as what takes its place");

typedef struct {
  int fd;
  int busy;
  uint64_t due;
  size_t answer_length;
  /* Those that name a thousand nodes have 72 kB. */
  char answer[256 * 1024];
} Connection;

static struct {
  int connections;
  double rate;
  const char *request_file;
} options = {.connections = 64};

static Connection connections[MAX_CONNECTIONS];
static int idle[MAX_CONNECTIONS], idle_count, epoll_fd;
static char request[64 * 1024];
static size_t request_length;
static char *number_at, *time_at;
static Histogram latencies;
static uint64_t requests;
/* When the requests were due that wait for a connection. */
static uint64_t due[MAX_DUE];
static unsigned due_first, due_count;

static void send_request(int index, uint64_t due_at) {
  Connection *c = &connections[index];
  put_number(number_at);
  if (time_at != NULL) put_digits(time_at, due_at, 19);
  c->busy = 1;
  c->due = due_at;
  c->answer_length = 0;
  if (write(c->fd, request, request_length) != (ssize_t)request_length) die("write: %s", strerror(errno));
}

/* The whole length of the answer, 0 while its head is not complete. */
static size_t length_of_answer(Connection *c) {
  char *end = strstr(c->answer, "\r\n\r\n");
  if (end == NULL) return 0;
  char *field = strcasestr(c->answer, "\r\ncontent-length:");
  if (field == NULL || field > end) die("an answer without content-length: %.200s", c->answer);
  return (size_t)(end + 4 - c->answer) + strtoul(field + 17, NULL, 10);
}

static void take_answer(int index) {
  Connection *c = &connections[index];
  ssize_t length = read(c->fd, c->answer + c->answer_length, sizeof c->answer - 1 - c->answer_length);
  if (length < 0 && errno == EAGAIN) return;
  if (length <= 0) die("the server ended a connection");
  c->answer_length += (size_t)length;
  c->answer[c->answer_length] = 0;
  size_t whole = length_of_answer(c);
  if (whole == 0 || c->answer_length < whole) return;
  take_result(strncmp(c->answer, "HTTP/1.1 200", 12) == 0 && strstr(c->answer, shared.expect) != NULL, c->answer);
  if (c->due >= span.from) {
    requests += 1;
    histogram_add(&latencies, now_ns() - c->due);
  }
  c->busy = 0;
  idle[idle_count++] = index;
}

static void connect_all(void) {
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  for (int index = 0; index < options.connections; index += 1) {
    connections[index].fd = connect_to_server();
    idle[idle_count++] = index;
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)index};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, connections[index].fd, &event);
  }
}

/* Sends what is due and for which a connection is free. */
static void send_due(uint64_t now) {
  if (options.rate == 0) {
    while (idle_count > 0) send_request(idle[--idle_count], now);
    return;
  }
  while (idle_count > 0 && due_count > 0) {
    send_request(idle[--idle_count], due[due_first]);
    due_first = (due_first + 1) % MAX_DUE;
    due_count -= 1;
  }
}

/* Waits for answers, until `until` at most; nanoseconds, which epoll_wait does not know everywhere. */
static void turn(uint64_t until) {
  struct epoll_event events[MAX_CONNECTIONS];
  uint64_t now = now_ns();
  uint64_t wait = until > now ? until - now : 0;
  struct timespec timeout = {.tv_sec = (time_t)(wait / 1000000000u), .tv_nsec = (long)(wait % 1000000000u)};
  struct pollfd ready = {.fd = epoll_fd, .events = POLLIN};
  if (ppoll(&ready, 1, &timeout, NULL) <= 0) return;
  int count = epoll_wait(epoll_fd, events, MAX_CONNECTIONS, 0);
  for (int at = 0; at < count; at += 1) take_answer((int)events[at].data.u32);
}

static void read_request(void) {
  request_length = read_text(options.request_file, request, sizeof request);
  number_at = strstr(request, NUMBER);
  time_at = strstr(request, TIME);
}

static void parse_options(int count, char **arguments) {
  for (int at = 1; at + 1 < count; at += 2) {
    const char *name = arguments[at], *value = arguments[at + 1];
    if (take_shared_option(name, value)) continue;
    if (strcmp(name, "--connections") == 0) options.connections = atoi(value);
    else if (strcmp(name, "--rate") == 0) options.rate = atof(value);
    else if (strcmp(name, "--request") == 0) options.request_file = value;
    else die("unknown option %s", name);
  }
  if (options.connections < 1 || options.connections > MAX_CONNECTIONS) die("--connections: 1 to 1024");
}

int main(int count, char **arguments) {
  parse_options(count, arguments);
  read_request();
  connect_all();
  uint64_t now = now_ns(), step = options.rate > 0 ? (uint64_t)(1e9 / options.rate) : 0, next_due = now;
  span_plan(now);
  while (span_goes_on(now = now_ns())) {
    for (; step > 0 && next_due <= now && due_count < MAX_DUE; next_due += step)
      due[(due_first + due_count++) % MAX_DUE] = next_due;
    send_due(now);
    turn(step > 0 && next_due < span.end ? next_due : span.end);
  }
  uint64_t in_time = requests;
  /* What is in flight belongs to the latencies; what was never sent is told. */
  unsigned unsent = due_count;
  uint64_t last = span.end + DRAIN_SECONDS * 1000000000ull;
  while (idle_count < options.connections && now_ns() < last) turn(now_ns() + 10000000);
  printf("{\"requests\":%llu,\"inFlight\":%llu,\"unsent\":%u,\"lost\":%d,", (unsigned long long)in_time,
         (unsigned long long)(requests - in_time), unsent, options.connections - idle_count);
  span_print(in_time, &latencies);
}
