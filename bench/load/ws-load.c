/*
 * The client side of the benchmark: opens WebSocket connections, counts what arrives on each of them, and checks
 * that each got what it should. One thread, epoll, one read() for each readiness.
 *
 * It does what lines on its standard input say, and answers each with a line of JSON:
 *
 *   connect                    opens all connections                {"connected","refused","seconds","cpu",latencies}
 *   settle                     reads until no message has come for 300 ms, then counts from 0 again
 *   ticks SECONDS BYTES FILE   writes the bytes of FILE to the tick target and waits until every connection has got
 *                              BYTES more of payload; then again, until SECONDS are over
 *                              {"ticks","deliveredBytes","seconds","cpu","serverCpu",latencies of whole ticks}
 *   pace SECONDS RATE          writes stamps to the tick target, RATE a second by the clock, whatever comes back
 *                              {"stamps","seconds","serverCpu"}
 *   wait BYTES SECONDS         reads until BYTES of payload have come in all, SECONDS at most
 *   count                      what has come since `settle`: {"messages","bytes","min","max",latencies of stamps}
 *   clock                      {"serverCpu"}: what the processes of --watch have used until now, in seconds
 *   quit
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "common.h"

#define MAX_PORTS 64
#define HEAD_BYTES 128
#define CONNECT_SECONDS 60
#define TICK_SECONDS 20
#define SETTLE_MS 300

/* What epoll tells of, beside connections by their index. */
#define TICK_TARGET UINT32_MAX
#define COMMAND (UINT32_MAX - 1)
#define TIMER (UINT32_MAX - 2)

enum { IDLE, CONNECTING, SHAKING, OPEN, ENDED };

typedef struct {
  int fd;
  uint8_t state;
  uint8_t opcode;
  uint8_t header[10];
  uint8_t header_length;
  /* A ping of Engine.IO, which is a text frame of one byte, is no message. */
  uint8_t is_engine_ping;
  /* The first bytes of the present frame's payload, where something looks at them. */
  uint8_t head[HEAD_BYTES];
  uint8_t head_length;
  uint64_t payload_left;
  uint64_t bytes;
  uint64_t messages;
  uint64_t started;
  char *answer;
  size_t answer_length;
} Connection;

static struct {
  int ports[MAX_PORTS];
  int port_count;
  int connections;
  int sources;
  int at_once;
  const char *path;
  const char *hello_text;
  const char *hello_binary;
  const char *tick_fifo;
  const char *tick_hello;
  int tick_port;
  int stamps;
  int engine_io;
} options = {.connections = 1, .sources = 1, .at_once = 256, .path = "/"};

static Connection *connections;
static int epoll_fd, tick_fd = -1, timer_fd = -1, has_command;
/* Stamps that were due and not written yet. */
static uint64_t due_count;
static int open_count, refused_count, started_count;
static uint64_t total_bytes, total_messages;
static Histogram latencies, stamps;
static uint8_t buffer[256 * 1024];

/* What each connection must have got before a tick counts as done, and how many have. */
static uint64_t target;
static int reached_count;

static void end_connection(Connection *c, const char *why) {
  if (c->state == OPEN) {
    open_count -= 1;
  } else {
    if (refused_count == 0) fprintf(stderr, "the first that was not let in: %s\n", why);
    refused_count += 1;
  }
  close(c->fd);
  c->fd = -1;
  c->state = ENDED;
}

/* A frame from client to server is masked; a mask of zeros leaves the payload as it is (RFC 6455, 5.3). */
static void send_frame(Connection *c, int opcode, const void *payload, size_t length) {
  uint8_t frame[8 + 4096] = {(uint8_t)(0x80 | opcode)};
  size_t header = length < 126 ? 2 : 4;
  if (length > 4096) die("a client frame is too long");
  frame[1] = (uint8_t)(0x80 | (header == 2 ? length : 126));
  if (header == 4) {
    frame[2] = (uint8_t)(length >> 8);
    frame[3] = (uint8_t)length;
  }
  memcpy(frame + header + 4, payload, length);
  if (write(c->fd, frame, header + 4 + length) != (ssize_t)(header + 4 + length)) end_connection(c, "write");
}

static void start_connection(int index) {
  Connection *c = &connections[index];
  int yes = 1;
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (c->fd < 0) die("socket: %s", strerror(errno));
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  struct sockaddr_in address = {.sin_family = AF_INET};
  if (options.sources > 1) {
    address.sin_addr.s_addr = htonl(0x7f000001u + (uint32_t)(index % options.sources));
    setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
    if (bind(c->fd, (struct sockaddr *)&address, sizeof address) != 0) die("bind: %s", strerror(errno));
  }
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons((uint16_t)options.ports[index % options.port_count]);
  c->started = now_ns();
  c->state = CONNECTING;
  started_count += 1;
  if (connect(c->fd, (struct sockaddr *)&address, sizeof address) != 0 && errno != EINPROGRESS) {
    end_connection(c, strerror(errno));
    return;
  }
  struct epoll_event event = {.events = EPOLLOUT, .data.u32 = (uint32_t)index};
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &event);
}

static void send_handshake(int index) {
  Connection *c = &connections[index];
  char path[512], request[1024];
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) {
    end_connection(c, strerror(error));
    return;
  }
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  snprintf(path, sizeof path, options.path, index);
#pragma GCC diagnostic pop
  int length = snprintf(request, sizeof request,
                        "GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
                        path);
  if (write(c->fd, request, (size_t)length) != length) {
    end_connection(c, strerror(errno));
    return;
  }
  c->state = SHAKING;
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)index};
  epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &event);
}

static void end_of_frame(Connection *c) {
  if (c->opcode == 0x9) {
    send_frame(c, 0xa, c->head, c->head_length);
  } else if (c->opcode == 0x8) {
    end_connection(c, "a close frame");
  } else if (c->is_engine_ping) {
    send_frame(c, 0x1, "3", 1);
  } else if (c->opcode <= 0x2) {
    c->messages += 1;
    total_messages += 1;
    if (options.stamps && c->head_length >= 20 && c->head[0] == 'T') {
      char digits[20] = {0};
      memcpy(digits, c->head + 1, 19);
      histogram_add(&stamps, now_ns() - strtoull(digits, NULL, 10));
    }
  }
}

/* Goes through bytes from the server: unmasked frames, cut anywhere. */
static void take_frames(Connection *c, const uint8_t *data, size_t length) {
  int looks = options.stamps;
  while (length > 0 && c->state == OPEN) {
    if (c->payload_left == 0) {
      c->header[c->header_length++] = *data++;
      length -= 1;
      if (c->header_length < 2) continue;
      unsigned short_length = c->header[1] & 0x7f;
      unsigned needed = short_length < 126 ? 2 : short_length == 126 ? 4 : 10;
      if (c->header_length < needed) continue;
      c->opcode = c->header[0] & 0x0f;
      c->payload_left = 0;
      if (needed == 2) c->payload_left = short_length;
      for (unsigned at = 2; at < needed; at += 1) c->payload_left = c->payload_left << 8 | c->header[at];
      c->header_length = 0;
      c->head_length = 0;
      c->is_engine_ping = options.engine_io && c->opcode == 0x1 && c->payload_left == 1;
      if (c->payload_left == 0) end_of_frame(c);
      continue;
    }
    size_t part = c->payload_left < length ? (size_t)c->payload_left : length;
    if ((looks || c->opcode >= 0x8) && c->head_length < HEAD_BYTES) {
      size_t kept = part < (size_t)(HEAD_BYTES - c->head_length) ? part : (size_t)(HEAD_BYTES - c->head_length);
      memcpy(c->head + c->head_length, data, kept);
      c->head_length = (uint8_t)(c->head_length + kept);
    }
    if (c->opcode <= 0x2 && !c->is_engine_ping) {
      uint64_t before = c->bytes;
      c->bytes += part;
      total_bytes += part;
      if (before < target && c->bytes >= target) reached_count += 1;
    }
    c->payload_left -= part;
    data += part;
    length -= part;
    if (c->payload_left == 0) end_of_frame(c);
  }
}

/* The server's answer to the handshake; frames may follow it in the same bytes. */
static void take_answer(Connection *c, const uint8_t *data, size_t length) {
  c->answer = realloc(c->answer, c->answer_length + length + 1);
  memcpy(c->answer + c->answer_length, data, length);
  c->answer_length += length;
  c->answer[c->answer_length] = 0;
  char *end = strstr(c->answer, "\r\n\r\n");
  if (end == NULL) return;
  char *answer = c->answer;
  c->answer = NULL;
  if (strncmp(answer, "HTTP/1.1 101", 12) != 0 || strstr(answer, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") == NULL) {
    end_connection(c, answer);
  } else {
    c->state = OPEN;
    open_count += 1;
    histogram_add(&latencies, now_ns() - c->started);
    if (options.hello_text) send_frame(c, 0x1, options.hello_text, strlen(options.hello_text));
    if (options.hello_binary) send_frame(c, 0x2, options.hello_binary, strlen(options.hello_binary));
    size_t head = (size_t)(end + 4 - answer);
    take_frames(c, (uint8_t *)end + 4, c->answer_length - head);
  }
  free(answer);
}

/* Handles what is ready; returns how many events there were. */
static int turn(int timeout_ms) {
  struct epoll_event events[1024];
  int count = epoll_wait(epoll_fd, events, 1024, timeout_ms);
  for (int at = 0; at < count; at += 1) {
    uint32_t index = events[at].data.u32;
    if (index == COMMAND) {
      has_command = 1;
      continue;
    }
    if (index == TIMER) {
      uint64_t expired = 0;
      if (read(timer_fd, &expired, sizeof expired) == sizeof expired) due_count += expired;
      continue;
    }
    if (index == TICK_TARGET) { /* what it answers is not looked at */
      if (read(tick_fd, buffer, sizeof buffer) == 0) die("the tick target has gone");
      continue;
    }
    Connection *c = &connections[index];
    if (c->state == CONNECTING) {
      send_handshake((int)index);
      continue;
    }
    ssize_t length = read(c->fd, buffer, sizeof buffer);
    if (length < 0 && errno == EAGAIN) continue;
    if (length <= 0) end_connection(c, length == 0 ? "the server ended it" : strerror(errno));
    else if (c->state == SHAKING) take_answer(c, buffer, (size_t)length);
    else take_frames(c, buffer, (size_t)length);
  }
  return count;
}

static void connect_all(void) {
  uint64_t start = now_ns(), deadline = start + CONNECT_SECONDS * 1000000000ull;
  double cpu = cpu_seconds();
  int limit = options.at_once > 0 ? options.at_once : options.connections;
  while (open_count + refused_count < options.connections && now_ns() < deadline) {
    while (started_count < options.connections && started_count - open_count - refused_count < limit)
      start_connection(started_count);
    turn(100);
  }
  printf("{\"connected\":%d,\"refused\":%d,\"seconds\":%.6f,\"cpu\":%.6f,", open_count,
         options.connections - open_count, (double)(now_ns() - start) / 1e9, cpu_seconds() - cpu);
  histogram_print(&latencies);
  printf("}\n");
}

static void settle(void) {
  /* Pings of several servers may come all the time: they do not count. */
  uint64_t seen = 0, quiet_since = now_ns();
  while (now_ns() - quiet_since < SETTLE_MS * 1000000ull) {
    turn(SETTLE_MS / 10);
    if (total_bytes + total_messages == seen) continue;
    seen = total_bytes + total_messages;
    quiet_since = now_ns();
  }
  for (int index = 0; index < options.connections; index += 1) {
    connections[index].bytes = 0;
    connections[index].messages = 0;
  }
  total_bytes = total_messages = 0;
  target = UINT64_MAX;
  memset(&stamps, 0, sizeof stamps);
  printf("{\"open\":%d}\n", open_count);
}

static void open_tick_target(void) {
  if (tick_fd >= 0) return;
  if (options.tick_fifo != NULL) {
    tick_fd = open(options.tick_fifo, O_WRONLY | O_CLOEXEC);
    if (tick_fd < 0) die("cannot open %s: %s", options.tick_fifo, strerror(errno));
    return;
  }
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.tick_port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  tick_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(tick_fd, (struct sockaddr *)&address, sizeof address) != 0) die("tick target: %s", strerror(errno));
  int yes = 1;
  setsockopt(tick_fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  size_t hello = options.tick_hello == NULL ? 0 : strlen(options.tick_hello);
  if (hello > 0 && write(tick_fd, options.tick_hello, hello) < 0) die("tick target: %s", strerror(errno));
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = TICK_TARGET};
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, tick_fd, &event);
}

static void run_ticks(double seconds, uint64_t bytes_a_tick, const char *file) {
  static uint8_t blob[64 * 1024];
  static Histogram tick_latencies;
  int fd = open(file, O_RDONLY | O_CLOEXEC);
  ssize_t blob_length = fd < 0 ? -1 : read(fd, blob, sizeof blob);
  if (blob_length <= 0) die("cannot read %s", file);
  close(fd);
  open_tick_target();
  memset(&tick_latencies, 0, sizeof tick_latencies);
  for (int index = 0; index < options.connections; index += 1) connections[index].bytes = 0;
  uint64_t start = now_ns(), ticks = 0, bytes_before = total_bytes;
  double cpu = cpu_seconds(), before[MAX_WATCHED], after[MAX_WATCHED];
  watched_cpu(before);
  target = 0;
  do {
    uint64_t tick_start = now_ns();
    target += bytes_a_tick;
    reached_count = 0;
    if (write(tick_fd, blob, (size_t)blob_length) != blob_length) die("tick: %s", strerror(errno));
    while (reached_count < options.connections) {
      if (turn(1000) == 0 && now_ns() - tick_start > TICK_SECONDS * 1000000000ull) {
        die("only %d of %d connections got all of a tick (%d open)", reached_count, options.connections, open_count);
      }
    }
    ticks += 1;
    histogram_add(&tick_latencies, now_ns() - tick_start);
  } while ((double)(now_ns() - start) / 1e9 < seconds);
  double elapsed = (double)(now_ns() - start) / 1e9;
  cpu = cpu_seconds() - cpu;
  watched_cpu(after);
  for (int index = 0; index < options.connections; index += 1) {
    if (connections[index].bytes != target) {
      die("connection %d got %llu bytes instead of %llu", index, (unsigned long long)connections[index].bytes,
          (unsigned long long)target);
    }
  }
  printf("{\"ticks\":%llu,\"deliveredBytes\":%llu,\"seconds\":%.6f,\"cpu\":%.6f,",
         (unsigned long long)ticks, (unsigned long long)(total_bytes - bytes_before), elapsed, cpu);
  watched_print(before, after);
  printf(",");
  histogram_print(&tick_latencies);
  printf("}\n");
}

/* Each stamp is `T` and the time at which it was due, which the server sends on as the beginning of a message. */
static void pace(double seconds, double rate) {
  uint64_t interval = (uint64_t)(1e9 / rate), wanted = (uint64_t)(seconds * rate), sent = 0;
  double before[MAX_WATCHED], after[MAX_WATCHED];
  open_tick_target();
  timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = TIMER};
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, timer_fd, &event);
  uint64_t start = now_ns() + 1000000, first = start + interval;
  struct timespec each = {(time_t)(interval / 1000000000u), (long)(interval % 1000000000u)};
  struct itimerspec times = {each, {(time_t)(first / 1000000000u), (long)(first % 1000000000u)}};
  watched_cpu(before);
  due_count = 0;
  if (timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &times, NULL) != 0) die("timer: %s", strerror(errno));
  while (sent < wanted) {
    turn(1000);
    for (; due_count > 0 && sent < wanted; due_count -= 1) {
      char stamp[32];
      sent += 1;
      snprintf(stamp, sizeof stamp, "T%019llu", (unsigned long long)(start + sent * interval));
      if (write(tick_fd, stamp, 20) != 20) die("stamp: %s", strerror(errno));
    }
  }
  close(timer_fd);
  double elapsed = (double)(now_ns() - start) / 1e9;
  watched_cpu(after);
  printf("{\"stamps\":%llu,\"seconds\":%.6f,", (unsigned long long)sent, elapsed);
  watched_print(before, after);
  printf("}\n");
}

static void wait_for(uint64_t bytes, double seconds) {
  uint64_t deadline = now_ns() + (uint64_t)(seconds * 1e9);
  double cpu = cpu_seconds();
  while (total_bytes < bytes && now_ns() < deadline) turn(50);
  printf("{\"bytes\":%llu,\"cpu\":%.6f}\n", (unsigned long long)total_bytes, cpu_seconds() - cpu);
}

static void count_all(void) {
  uint64_t min = UINT64_MAX, max = 0;
  for (int index = 0; index < options.connections; index += 1) {
    uint64_t messages = connections[index].messages;
    if (messages < min) min = messages;
    if (messages > max) max = messages;
  }
  printf("{\"open\":%d,\"messages\":%llu,\"bytes\":%llu,\"min\":%llu,\"max\":%llu,\"totalCpu\":%.6f,", open_count,
         (unsigned long long)total_messages, (unsigned long long)total_bytes, (unsigned long long)min,
         (unsigned long long)max, cpu_seconds());
  histogram_print(&stamps);
  printf("}\n");
}

static void print_clock(void) {
  double before[MAX_WATCHED] = {0}, after[MAX_WATCHED];
  watched_cpu(after);
  printf("{");
  watched_print(before, after);
  printf("}\n");
}

static void parse_options(int count, char **arguments) {
  for (int at = 1; at < count; at += 2) {
    const char *name = arguments[at], *value = at + 1 < count ? arguments[at + 1] : "";
    if (strcmp(name, "--ports") == 0) {
      for (const char *rest = value; *rest != 0 && options.port_count < MAX_PORTS;) {
        char *end;
        options.ports[options.port_count++] = (int)strtol(rest, &end, 10);
        rest = *end == ',' ? end + 1 : end;
        if (*end != ',' && *end != 0) die("--ports takes numbers separated by commas");
      }
    } else if (strcmp(name, "--connections") == 0) options.connections = atoi(value);
    else if (strcmp(name, "--watch") == 0) watch(value);
    else if (strcmp(name, "--sources") == 0) options.sources = atoi(value);
    else if (strcmp(name, "--at-once") == 0) options.at_once = atoi(value);
    else if (strcmp(name, "--path") == 0) options.path = value;
    else if (strcmp(name, "--hello-text") == 0) options.hello_text = value;
    else if (strcmp(name, "--hello-binary") == 0) options.hello_binary = value;
    else if (strcmp(name, "--tick-fifo") == 0) options.tick_fifo = value;
    else if (strcmp(name, "--tick-hello") == 0) options.tick_hello = value;
    else if (strcmp(name, "--tick-port") == 0) options.tick_port = atoi(value);
    else if (strcmp(name, "--stamps") == 0) options.stamps = atoi(value);
    else if (strcmp(name, "--engine-io") == 0) options.engine_io = atoi(value);
    else die("unknown option %s", name);
  }
  if (options.port_count == 0) die("--ports is missing");
}

int main(int count, char **arguments) {
  parse_options(count, arguments);
  raise_file_limit();
  setvbuf(stdout, NULL, _IOLBF, 0);
  connections = calloc((size_t)options.connections, sizeof *connections);
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  target = UINT64_MAX;
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = COMMAND};
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, 0, &event);
  char line[1024], file[900];
  for (;;) {
    /* Between commands too, pings are answered and nothing piles up. */
    while (!has_command) turn(-1);
    has_command = 0;
    if (fgets(line, sizeof line, stdin) == NULL) return 0;
    line[strcspn(line, "\n")] = 0;
    double seconds, rate;
    unsigned long long bytes;
    if (strcmp(line, "connect") == 0) connect_all();
    else if (strcmp(line, "settle") == 0) settle();
    else if (strcmp(line, "count") == 0) count_all();
    else if (strcmp(line, "clock") == 0) print_clock();
    else if (strcmp(line, "quit") == 0) return 0;
    else if (sscanf(line, "ticks %lf %llu %899s", &seconds, &bytes, file) == 3) run_ticks(seconds, bytes, file);
    else if (sscanf(line, "pace %lf %lf", &seconds, &rate) == 2) pace(seconds, rate);
    else if (sscanf(line, "wait %llu %lf", &bytes, &seconds) == 2) wait_for(bytes, seconds);
    else die("unknown command: %s", line);
  }
}
