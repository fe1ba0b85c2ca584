/*
 * The back end's side of POST /batch: one streamed request, so many commands in flight, another line for each answer.
 * One thread, poll. What fits the window goes out as one write, which is one chunk of the body.
 *
 * In the line `@NUMBER@@` stands for numbers (requests.h); its id is the number of the line. An answer is good if it
 * holds the text of --expect.
 *
 * {"commands": answered in time, "failed", "seconds", "perSecond", "cpu", "serverCpu", latencies}
 */
#define _GNU_SOURCE
#include <poll.h>

#include "requests.h"

#define MAX_WINDOW 4096
#define MAX_LINE 1024

static struct {
  unsigned window;
  const char *line_file;
} options = {.window = 64};

static int fd;
static char line[MAX_LINE];
static char *number_at;
static uint64_t sent, answered, commands;
/* When a line was sent, by the last digits of its id. */
static uint64_t sent_at[MAX_WINDOW * 2];
static Histogram latencies;

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
    put_number(number_at);
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
  take_result(id != NULL && strstr(text, shared.expect) != NULL, text);
  uint64_t at = id == NULL ? 0 : sent_at[strtoull(id, NULL, 10) % (MAX_WINDOW * 2)];
  answered += 1;
  if (at < span.from) return;
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

static void begin_request(void) {
  static const char head[] =
      "POST /batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
      "Transfer-Encoding: chunked\r\n\r\n";
  fd = connect_to_server();
  write_all(head, sizeof head - 1);
}

static void parse_options(int count, char **arguments) {
  for (int at = 1; at + 1 < count; at += 2) {
    const char *name = arguments[at], *value = arguments[at + 1];
    if (take_shared_option(name, value)) continue;
    if (strcmp(name, "--window") == 0) options.window = (unsigned)atoi(value);
    else if (strcmp(name, "--line") == 0) options.line_file = value;
    else die("unknown option %s", name);
  }
  if (options.window < 1 || options.window > MAX_WINDOW) die("--window: 1 to %d", MAX_WINDOW);
}

int main(int count, char **arguments) {
  parse_options(count, arguments);
  read_text(options.line_file, line, sizeof line);
  number_at = strstr(line, NUMBER);
  begin_request();
  span_plan(now_ns());
  while (span_goes_on(now_ns())) {
    send_lines();
    take_answers(span.end);
  }
  printf("{\"commands\":%llu,", (unsigned long long)commands);
  span_print(commands, &latencies);
}
