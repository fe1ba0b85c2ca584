/*
 * The back end's side of the benchmark: keep-alive connections, one request in flight on each, no pipelining.
 * One thread, epoll. Either as fast as answers come (--rate 0), or so many requests a second whatever the answers do
 * (open loop): then the latency of a request counts from when it was due, not from when a connection was free.
 *
 * In the request file `@NUMBER@@` becomes a number below --numbers, nine digits long, another one each time, and
 * `@TIME@@@@@@@@@@@@@@` the nanosecond at which the request was due, 19 digits long; neither changes its length.
 * An answer is good if its status is 200 and it holds the text of --expect.
 *
 * {"requests": answered in time, "inFlight": answered after it, "failed", "unsent": were due and found no free
 *  connection, "lost": never answered, "seconds", "perSecond", "cpu", "serverCpu", latencies}
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common.h"

#define MAX_CONNECTIONS 1024
#define MAX_DUE (1 << 20)
#define NUMBER "@NUMBER@@"
#define TIME "@TIME@@@@@@@@@@@@@@"
#define DRAIN_SECONDS 3

_Static_assert(sizeof NUMBER == 9 + 1 && sizeof TIME == 19 + 1, "placeholders are as long as what takes their place");

typedef struct {
  int fd;
  int busy;
  uint64_t due;
  size_t answer_length;
  /* Those that name a thousand nodes have 72 kB. */
  char answer[256 * 1024];
} Connection;

static struct {
  int port;
  int connections;
  double seconds;
  double warm_up;
  double rate;
  unsigned numbers;
  const char *expect;
  const char *request_file;
} options = {.connections = 64, .seconds = 1, .numbers = 1, .expect = ""};

static Connection connections[MAX_CONNECTIONS];
static int idle[MAX_CONNECTIONS], idle_count, epoll_fd;
static char request[64 * 1024];
static size_t request_length;
static char *number_at, *time_at;
static Histogram latencies;
static uint64_t requests, failed, counted_from, random_state = 88172645463325252ull;
/* When the requests were due that wait for a connection. */
static uint64_t due[MAX_DUE];
static unsigned due_first, due_count;

static void put_digits(char *at, uint64_t value, int digits) {
  for (int place = digits - 1; place >= 0; place -= 1, value /= 10) at[place] = (char)('0' + value % 10);
}

/* xorshift (Marsaglia 2003): the same numbers in each run. */
static uint64_t next_random(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state;
}

static void send_request(int index, uint64_t due_at) {
  Connection *c = &connections[index];
  if (number_at != NULL) put_digits(number_at, next_random() % options.numbers, 9);
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
  int is_good = strncmp(c->answer, "HTTP/1.1 200", 12) == 0 && strstr(c->answer, options.expect) != NULL;
  if (!is_good && failed == 0) fprintf(stderr, "a wrong answer: %.500s\n", c->answer);
  if (!is_good) failed += 1;
  if (c->due >= counted_from) {
    requests += 1;
    histogram_add(&latencies, now_ns() - c->due);
  }
  c->busy = 0;
  idle[idle_count++] = index;
}

static void connect_all(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int yes = 1;
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  for (int index = 0; index < options.connections; index += 1) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) die("connect: %s", strerror(errno));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    connections[index].fd = fd;
    idle[idle_count++] = index;
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)index};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
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
  int fd = open(options.request_file, O_RDONLY | O_CLOEXEC);
  ssize_t length = fd < 0 ? -1 : read(fd, request, sizeof request - 1);
  if (length <= 0) die("cannot read %s", options.request_file);
  request_length = (size_t)length;
  number_at = strstr(request, NUMBER);
  time_at = strstr(request, TIME);
}

static void parse_options(int count, char **arguments) {
  for (int at = 1; at + 1 < count; at += 2) {
    const char *name = arguments[at], *value = arguments[at + 1];
    if (strcmp(name, "--port") == 0) options.port = atoi(value);
    else if (strcmp(name, "--connections") == 0) options.connections = atoi(value);
    else if (strcmp(name, "--seconds") == 0) options.seconds = atof(value);
    else if (strcmp(name, "--warm-up") == 0) options.warm_up = atof(value);
    else if (strcmp(name, "--rate") == 0) options.rate = atof(value);
    else if (strcmp(name, "--numbers") == 0) options.numbers = (unsigned)atoi(value);
    else if (strcmp(name, "--expect") == 0) options.expect = value;
    else if (strcmp(name, "--request") == 0) options.request_file = value;
    else if (strcmp(name, "--watch") == 0) watch(value);
    else die("unknown option %s", name);
  }
  if (options.connections < 1 || options.connections > MAX_CONNECTIONS) die("--connections: 1 to 1024");
}

int main(int count, char **arguments) {
  parse_options(count, arguments);
  read_request();
  connect_all();
  uint64_t start = now_ns(), step = options.rate > 0 ? (uint64_t)(1e9 / options.rate) : 0, next_due = start;
  counted_from = start + (uint64_t)(options.warm_up * 1e9);
  uint64_t end = counted_from + (uint64_t)(options.seconds * 1e9);
  double cpu = 0, before[MAX_WATCHED] = {0}, after[MAX_WATCHED];
  int is_counting = 0;
  uint64_t now;
  while ((now = now_ns()) < end) {
    if (!is_counting && now >= counted_from) {
      is_counting = 1;
      cpu = cpu_seconds();
      watched_cpu(before);
    }
    for (; step > 0 && next_due <= now && due_count < MAX_DUE; next_due += step)
      due[(due_first + due_count++) % MAX_DUE] = next_due;
    send_due(now);
    turn(step > 0 && next_due < end ? next_due : end);
  }
  uint64_t in_time = requests;
  double seconds = (double)(now - counted_from) / 1e9;
  cpu = cpu_seconds() - cpu;
  watched_cpu(after);
  /* What is in flight belongs to the latencies; what was never sent is told. */
  unsigned unsent = due_count;
  while (idle_count < options.connections && now_ns() < end + DRAIN_SECONDS * 1000000000ull) turn(now_ns() + 10000000);
  printf("{\"requests\":%llu,\"inFlight\":%llu,\"failed\":%llu,\"unsent\":%u,\"lost\":%d,\"seconds\":%.6f,\"perSecond\":%.2f,"
         "\"cpu\":%.6f,",
         (unsigned long long)in_time, (unsigned long long)(requests - in_time), (unsigned long long)failed, unsent, options.connections - idle_count, seconds,
         (double)in_time / seconds, cpu);
  watched_print(before, after);
  printf(",");
  histogram_print(&latencies);
  printf("}\n");
}
