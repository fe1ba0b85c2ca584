/*
 * The back end's side of POST /batch: one streamed request, so many commands in flight, another line for each answer.
 * One thread, poll. What fits the window goes out as one write, which is one chunk of the body.
 *
 * In the line `@NUMBER@@` becomes a number below --numbers, nine digits long, another one each time; its id is the
 * number of the line. An answer is good if it holds the text of --expect.
 *
 * {"commands": answered in time, "failed", "seconds", "perSecond", "cpu", "serverCpu", latencies}
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common.h"

#define MAX_WINDOW 4096
#define MAX_LINE 1024
#define NUMBER "@NUMBER@@"

static struct {
  int port;
  unsigned window;
  double seconds;
  double warm_up;
  unsigned numbers;
  const char *expect;
  const char *line_file;
} options = {.window = 64, .seconds = 1, .numbers = 1, .expect = ""};

static int fd;
static char line[MAX_LINE];
static size_t line_length;
static char *number_at;
static uint64_t sent, answered, commands, failed, counted_from, random_state = 88172645463325252ull;
/* When a line was sent, by the last digits of its id. */
static uint64_t sent_at[MAX_WINDOW * 2];
static Histogram latencies;

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

static void write_all(const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t written = write(fd, bytes, length);
    if (written < 0 && errno != EAGAIN) die("write: %s", strerror(errno));
    if (written < 0) {
      struct pollfd ready = {.fd = fd, .events = POLLOUT};
      poll(&ready, 1, -1);
      continue;
    }
    bytes += written;
    length -= (size_t)written;
  }
}

/* Fills the window, in one chunk. */
static void send_lines(void) {
  static char chunk[MAX_WINDOW * (MAX_LINE + 32) + 64];
  static char body[MAX_WINDOW * (MAX_LINE + 32)];
  size_t length = 0;
  uint64_t now = now_ns();
  while (sent - answered < options.window) {
    if (number_at != NULL) put_digits(number_at, next_random() % options.numbers, 9);
    sent_at[sent % (MAX_WINDOW * 2)] = now;
    length += (size_t)sprintf(body + length, "{\"id\":%llu,%s\n", (unsigned long long)sent, line);
    sent += 1;
  }
  if (length == 0) return;
  size_t head = (size_t)sprintf(chunk, "%zx\r\n", length);
  memcpy(chunk + head, body, length);
  memcpy(chunk + head + length, "\r\n", 2);
  write_all(chunk, head + length + 2);
}

static void take_line(char *text) {
  char *id = strncmp(text, "{\"id\":", 6) == 0 ? text + 6 : NULL;
  int is_good = id != NULL && strstr(text, options.expect) != NULL;
  if (!is_good && failed == 0) fprintf(stderr, "a wrong answer: %.500s\n", text);
  if (!is_good) failed += 1;
  uint64_t at = id == NULL ? 0 : sent_at[strtoull(id, NULL, 10) % (MAX_WINDOW * 2)];
  answered += 1;
  if (at < counted_from) return;
  commands += 1;
  histogram_add(&latencies, now_ns() - at);
}

/* Takes the answer's head off, then the framing of its chunks (RFC 9112, 7.1), then cuts it into lines. */
static void take_byte(char byte) {
  static enum { HEAD, SIZE, DATA, AFTER } state = HEAD;
  static char text[64 * 1024];
  static size_t length, left;
  switch (state) {
    case HEAD:
      if (length == sizeof text - 1) die("the head is too long");
      text[length++] = byte;
      if (length < 4 || memcmp(text + length - 4, "\r\n\r\n", 4) != 0) return;
      text[length] = 0;
      if (strncmp(text, "HTTP/1.1 200", 12) != 0) die("not answered with 200: %.200s", text);
      length = 0;
      state = SIZE;
      return;
    case SIZE:
      if (byte == '\n') {
        if (left == 0) die("the answer ended");
        state = DATA;
      } else if (byte != '\r') {
        left = left * 16 + (size_t)(byte <= '9' ? byte - '0' : (byte | 0x20) - 'a' + 10);
      }
      return;
    case DATA:
      if (byte == '\n') {
        text[length] = 0;
        take_line(text);
        length = 0;
      } else if (length < sizeof text - 1) {
        text[length++] = byte;
      }
      left -= 1;
      if (left == 0) state = AFTER;
      return;
    case AFTER:
      if (byte == '\n') state = SIZE;
      return;
  }
}

static void take_answers(uint64_t until) {
  static char bytes[256 * 1024];
  uint64_t now = now_ns();
  struct pollfd ready = {.fd = fd, .events = POLLIN};
  if (poll(&ready, 1, until > now ? (int)((until - now) / 1000000) + 1 : 0) <= 0) return;
  ssize_t length = read(fd, bytes, sizeof bytes);
  if (length < 0 && errno == EAGAIN) return;
  if (length <= 0) die("the server ended the connection");
  for (ssize_t at = 0; at < length; at += 1) take_byte(bytes[at]);
}

static void connect_it(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int yes = 1;
  fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) die("connect: %s", strerror(errno));
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  static const char head[] =
      "POST /batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
      "Transfer-Encoding: chunked\r\n\r\n";
  write_all(head, sizeof head - 1);
}

static void read_line(void) {
  int file = open(options.line_file, O_RDONLY | O_CLOEXEC);
  ssize_t length = file < 0 ? -1 : read(file, line, sizeof line - 1);
  if (length <= 0) die("cannot read %s", options.line_file);
  line_length = (size_t)length;
  number_at = strstr(line, NUMBER);
}

static void parse_options(int count, char **arguments) {
  for (int at = 1; at + 1 < count; at += 2) {
    const char *name = arguments[at], *value = arguments[at + 1];
    if (strcmp(name, "--port") == 0) options.port = atoi(value);
    else if (strcmp(name, "--window") == 0) options.window = (unsigned)atoi(value);
    else if (strcmp(name, "--seconds") == 0) options.seconds = atof(value);
    else if (strcmp(name, "--warm-up") == 0) options.warm_up = atof(value);
    else if (strcmp(name, "--numbers") == 0) options.numbers = (unsigned)atoi(value);
    else if (strcmp(name, "--expect") == 0) options.expect = value;
    else if (strcmp(name, "--line") == 0) options.line_file = value;
    else if (strcmp(name, "--watch") == 0) watch(value);
    else die("unknown option %s", name);
  }
  if (options.window < 1 || options.window > MAX_WINDOW) die("--window: 1 to %d", MAX_WINDOW);
}

int main(int count, char **arguments) {
  parse_options(count, arguments);
  read_line();
  connect_it();
  counted_from = now_ns() + (uint64_t)(options.warm_up * 1e9);
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
    send_lines();
    take_answers(end);
  }
  double seconds = (double)(now - counted_from) / 1e9;
  cpu = cpu_seconds() - cpu;
  watched_cpu(after);
  printf("{\"commands\":%llu,\"failed\":%llu,\"seconds\":%.6f,\"perSecond\":%.2f,\"cpu\":%.6f,",
         (unsigned long long)commands, (unsigned long long)failed, seconds, (double)commands / seconds, cpu);
  watched_print(before, after);
  printf(",");
  histogram_print(&latencies);
  printf("}\n");
}
