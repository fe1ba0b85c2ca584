/*
 * The limit in C: accepts WebSocket connections and writes each tick's bytes to them with write(), one after the
 * other. For each `t` on standard input one frame goes to each connection, for each `s` sixteen joined in one buffer.
 *
 *   write-loop PAYLOAD_BYTES
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common.h"

#define MAX_CONNECTIONS 20000
#define LISTENER UINT32_MAX
#define COMMANDS (UINT32_MAX - 1)

static int sockets[MAX_CONNECTIONS];
static uint32_t socket_count;

/* The load program sends this one key always (RFC 6455, 1.3). */
static const char answer[] =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

static void write_all(const uint8_t *bytes, size_t length) {
  for (uint32_t at = 0; at < socket_count; at += 1) {
    size_t done = 0;
    while (done < length) {
      ssize_t written = write(sockets[at], bytes + done, length - done);
      if (written > 0) done += (size_t)written;
      else if (errno != EAGAIN) break;
    }
  }
}

int main(int count, char **arguments) {
  static uint8_t frames[16 * (4 + 4096)], input[4096];
  size_t payload = count > 1 ? (size_t)atoi(arguments[1]) : 64;
  if (payload < 1 || payload > 125) die("the payload has 1 to 125 bytes");
  for (int at = 0; at < 16; at += 1) {
    uint8_t *frame = frames + at * (int)(payload + 2);
    frame[0] = 0x81;
    frame[1] = (uint8_t)payload;
    memset(frame + 2, 'x', payload);
  }
  raise_file_limit();
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), yes = 1;
  struct sockaddr_in address = {.sin_family = AF_INET};
  socklen_t size = sizeof address;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 4096) != 0)
    die("listen: %s", strerror(errno));
  getsockname(listener, (struct sockaddr *)&address, &size);
  int epoll_fd = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = LISTENER};
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &event);
  event.data.u32 = COMMANDS;
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, 0, &event);
  printf("{\"port\":%d}\n", ntohs(address.sin_port));
  fflush(stdout);
  for (;;) {
    struct epoll_event events[1024];
    int ready = epoll_wait(epoll_fd, events, 1024, -1);
    for (int at = 0; at < ready; at += 1) {
      uint32_t index = events[at].data.u32;
      if (index == LISTENER) {
        int client;
        while (socket_count < MAX_CONNECTIONS &&
               (client = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
          setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
          event.data.u32 = socket_count;
          sockets[socket_count++] = client;
          epoll_ctl(epoll_fd, EPOLL_CTL_ADD, client, &event);
        }
      } else if (index == COMMANDS) {
        ssize_t length = read(0, input, sizeof input);
        if (length <= 0) return 0;
        for (ssize_t command = 0; command < length; command += 1)
          write_all(frames, (payload + 2) * (input[command] == 's' ? 16 : 1));
      } else {
        ssize_t length = read(sockets[index], input, sizeof input);
        if (length <= 0) epoll_ctl(epoll_fd, EPOLL_CTL_DEL, sockets[index], NULL);
        else if (write(sockets[index], answer, sizeof answer - 1) < 0) die("handshake: %s", strerror(errno));
      }
    }
  }
}
