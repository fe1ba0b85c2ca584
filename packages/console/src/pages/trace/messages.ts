import { defineMessages } from "../../i18n/language.tsx";

export const traceMessages = defineMessages(
  {
    title: "Trace",
    question: "Why did this user not get it?",
    intro:
      "Centers and nodes remember whom calls were for and what became of them, never the messages. Look up a call by the id in the header WSC-Call-Id of its answer, or everything about a user, connection or group.",
    what: "Look up",
    lookUp: "Look up",
    verdict: "What became of it",
    timeline: "Time line",
    time: "Time",
    where: "Where",
    happened: "What happened",
    details: "Details",
    center: (name: string) => `center ${name}`,
    took: (command: string, ms: string) => `took ${command}, answered in ${ms}`,
    askedNodes: (asked: number, linked: number) => `asked ${asked} of ${linked} nodes`,
    via: {
      classic: "classic API",
      batch: "batch",
      service: "service call",
      node: "a node's own request",
      process: "the center's own process",
    },
    matchedQueued: (matched: string, queued: string) => `${matched} matched, ${queued} queued`,
    queuedOnly: (queued: string) => `${queued} queued`,
    matchedOnly: (matched: string) => `${matched} matched`,
    whats: { open: "connection opened", close: "connection closed", "slow-consumer": "slow consumer" },
    unknownCall:
      "No center that answers remembers this call. Its id may be wrong, it may be too long ago, or the center that took it is gone.",
    nothingRemembered:
      "Nothing is remembered: nobody was connected, and nothing was sent, in the time that is kept.",
    noNodes: (time: string, command: string) =>
      `${time}: ${command} reached nobody, since no node was linked to the center.`,
    nobodyHeld: (time: string, command: string) =>
      `${time}: ${command} reached nobody: no node held it then. Whoever it was for was not connected, or not bound.`,
    nobodyMatched: (time: string, command: string, nodes: number) =>
      `${time}: ${command} reached nobody: ${nodes === 1 ? "the node that was" : `the ${nodes} nodes that were`} asked had no such connection.`,
    queued: (time: string, command: string, queued: number, matched: string) =>
      `${time}: ${command} was queued on ${queued} ${queued === 1 ? "connection" : "connections"}${matched}. It left with what was queued before it, unless the connection was lost first.`,
    ofMatched: (matched: number) => ` of ${matched} that matched`,
    changed: (time: string, command: string, result: string) => `${time}: ${command} answered ${result}.`,
    notQueued: (time: string, connection: string, reason: string) =>
      `${time}: connection ${connection} did not take it: ${reason}.`,
    nodeFailed: (time: string, node: string, code: string) =>
      `${time}: node ${node} failed with ${code}; nothing was queued there.`,
    nodeUnknown: (time: string, node: string, code: string) =>
      `${time}: node ${node} gave no answer (${code}): whether it ran there is unknown.`,
    closed: (time: string, connection: string, code: string) =>
      `${time}: connection ${connection} closed with ${code}.`,
    slow: (time: string, connection: string) =>
      `${time}: connection ${connection} did not read fast enough and was closed; what was queued for it may be lost.`,
    missing: (names: string) => `Could not be asked: ${names}. What they remember is missing here.`,
    since: (time: string) => `Nothing from before ${time} is remembered everywhere.`,
    nothingYet: "Nothing was looked up yet",
  },
  {
    title: "追踪",
    question: "这个用户为什么没有收到？",
    intro:
      "注册中心与节点会记住调用的对象和结果，但从不保存消息内容。可用应答头 WSC-Call-Id 中的标识查找一次调用，或查找某个用户、连接或群组的全部经过。",
    what: "查找",
    lookUp: "查找",
    verdict: "结论",
    timeline: "时间线",
    time: "时间",
    where: "位置",
    happened: "经过",
    details: "详情",
    center: (name) => `注册中心 ${name}`,
    took: (command, ms) => `接到 ${command}，${ms} 内应答`,
    askedNodes: (asked, linked) => `询问了 ${linked} 个节点中的 ${asked} 个`,
    via: {
      classic: "经典 API",
      batch: "批量",
      service: "服务调用",
      node: "节点自身的请求",
      process: "注册中心自身的进程",
    },
    matchedQueued: (matched, queued) => `匹配 ${matched}，入队 ${queued}`,
    queuedOnly: (queued) => `入队 ${queued}`,
    matchedOnly: (matched) => `匹配 ${matched}`,
    whats: { open: "连接打开", close: "连接关闭", "slow-consumer": "慢消费者" },
    unknownCall: "应答的注册中心都不记得此调用。标识可能有误、时间过久，或接到它的注册中心已不在。",
    nothingRemembered: "没有记录：在保留的时间内没有人连接，也没有发送过内容。",
    noNodes: (time, command) => `${time}：${command} 没有送达任何人，因为没有节点连接到注册中心。`,
    nobodyHeld: (time, command) =>
      `${time}：${command} 没有送达任何人：当时没有节点持有该对象。对方未连接，或未绑定。`,
    nobodyMatched: (time, command, nodes) =>
      `${time}：${command} 没有送达任何人：被询问的 ${nodes} 个节点没有这样的连接。`,
    queued: (time, command, queued, matched) =>
      `${time}：${command} 已加入 ${queued} 个连接的发送队列${matched}。除非连接先断开，它会随队列中之前的内容一起发出。`,
    ofMatched: (matched) => `（共匹配 ${matched} 个）`,
    changed: (time, command, result) => `${time}：${command} 应答 ${result}。`,
    notQueued: (time, connection, reason) => `${time}：连接 ${connection} 没有接收：${reason}。`,
    nodeFailed: (time, node, code) => `${time}：节点 ${node} 失败（${code}）；在该节点没有入队。`,
    nodeUnknown: (time, node, code) => `${time}：节点 ${node} 没有应答（${code}）：是否执行未知。`,
    closed: (time, connection, code) => `${time}：连接 ${connection} 以 ${code} 关闭。`,
    slow: (time, connection) => `${time}：连接 ${connection} 读取不够快而被关闭；为它排队的内容可能丢失。`,
    missing: (names) => `无法询问：${names}。此处缺少它们的记录。`,
    since: (time) => `${time} 之前的内容并非处处都有记录。`,
    nothingYet: "尚未查找",
  },
);
