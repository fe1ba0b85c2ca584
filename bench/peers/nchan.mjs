// nginx with nchan, told of messages by HTTP.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { cores, freePort, listening, Program, withChildren } from "../process.mjs";
import { findCommand } from "../setup.mjs";
import { PAYLOAD_BYTES, payload } from "./serve.mjs";

const MODULE = "/usr/lib/nginx/modules/ngx_nchan_module.so";

export const nchan = {
  name: "nchan",
  title: "nginx with nchan",
  how: "one worker; each message is a `POST`, those of a tick pipelined",
  missing: () =>
    findCommand("nginx") === undefined || !existsSync(MODULE)
      ? "needs the Debian packages `nginx-light` and `libnginx-mod-nchan`"
      : undefined,
  load: ["--path", "/subscribe"],
  start,
};

async function start() {
  const folder = mkdtempSync(path.join(tmpdir(), "wsc-bench-nchan-"));
  const port = await freePort();
  const file = path.join(folder, "nginx.conf");
  writeFileSync(
    file,
    `load_module ${MODULE};
daemon off;
user ${process.getuid() === 0 ? "root" : "nobody"};
worker_processes 1;
worker_rlimit_nofile 20000;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log warn;
events { worker_connections 19000; }
http {
  access_log off;
  tcp_nodelay on;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  client_body_temp_path ${folder}/body;
  nchan_shared_memory_size 256M;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location = /subscribe {
      nchan_subscriber websocket;
      nchan_channel_id everybody;
      nchan_subscriber_first_message newest;
    }
    location = /publish {
      nchan_publisher http;
      nchan_channel_id everybody;
      nchan_message_buffer_length 32;
      nchan_message_timeout 10s;
    }
  }
}
`,
  );
  const program = new Program(["nginx", "-p", folder, "-e", `${folder}/error.log`, "-c", file], {
    core: cores.server,
    name: "nginx",
  });
  await listening(port);
  // The worker is there as soon as it answers.
  await fetch(`http://127.0.0.1:${port}/publish`, { method: "POST", body: payload });
  const post = `POST /publish HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: ${PAYLOAD_BYTES}\r\n\r\n${payload}`;
  return {
    program,
    port,
    pids: withChildren(program.pid),
    ticks: { 1: post, 16: post.repeat(16) },
    tickTarget: ["--tick-port", String(port)],
    end: () => rmSync(folder, { recursive: true, force: true }),
  };
}
