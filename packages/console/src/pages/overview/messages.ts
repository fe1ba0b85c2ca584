import { defineMessages } from "../../i18n/language.tsx";

export const overviewMessages = defineMessages(
  {
    title: "Overview",
    nodes: "Nodes",
    allWell: "all answer",
    connections: "Connections",
    users: "Users",
    groups: "Groups",
    messagesOut: "Messages out",
    messagesIn: "Messages in",
    perSecond: (value: string) => `${value}/s`,
    slowConsumers: "Slow consumers",
    waiting: (bytes: string) => `${bytes} wait for clients`,
    calls: "Calls at this center",
    latency: (p50: string, p99: string) => `p50 ${p50}, p99 ${p99}`,
    noCalls: "none just now",
    bytes: "Bytes",
    out: "out",
    in: "in",
    opened: "opened",
    closed: "closed",
    comings: "Connections opened and closed",
    callLatency: "Latency of calls at this center",
    clusterTitle: "Centers and nodes",
    clusterSummary: (centers: number, nodes: number, lost: number) =>
      `${counted(centers, "center")} and ${counted(nodes, "node")}; ${lostText(lost)}.`,
    linkUp: "linked",
    linkLost: "link lost",
    thisCenter: "answers this page",
    unknownCenter: "not reached",
    suspect: "answers no pings",
    draining: "draining",
    full: "full",
    asTable: "As a table",
    noNodes: "No node is linked to this center",
    noNodesHint:
      "Start one with this center's link address in WSC_CENTERS and the same link secret: `websocket-center node`. It appears here by itself.",
    noClients: "Nobody is connected yet",
    noClientsHint:
      "Try it: connect two clients from this page, on two nodes, and send from one to the other.",
    tryIt: "Connect clients",
    node: "Node",
    center: "Center",
  },
  {
    title: "概览",
    nodes: "节点",
    allWell: "全部应答",
    connections: "连接",
    users: "用户",
    groups: "群组",
    messagesOut: "发出消息",
    messagesIn: "收到消息",
    perSecond: (value) => `${value}/秒`,
    slowConsumers: "慢消费者",
    waiting: (bytes) => `${bytes} 等待客户端读取`,
    calls: "此注册中心的调用",
    latency: (p50, p99) => `p50 ${p50}，p99 ${p99}`,
    noCalls: "暂无",
    bytes: "字节",
    out: "发出",
    in: "收到",
    opened: "打开",
    closed: "关闭",
    comings: "打开与关闭的连接",
    callLatency: "此注册中心的调用延迟",
    clusterTitle: "注册中心与节点",
    clusterSummary: (centers, nodes, lost) =>
      `${centers} 个注册中心，${nodes} 个节点；${lost === 0 ? "所有链路正常" : `${lost} 条链路中断`}。`,
    linkUp: "已连接",
    linkLost: "链路中断",
    thisCenter: "正在应答此页面",
    unknownCenter: "无法到达",
    suspect: "不应答心跳",
    draining: "排空中",
    full: "已满",
    asTable: "以表格显示",
    noNodes: "没有节点连接到此注册中心",
    noNodesHint:
      "启动一个节点：在 WSC_CENTERS 中填写此注册中心的链路地址，并使用相同的链路密钥：`websocket-center node`。它会自动出现在这里。",
    noClients: "还没有客户端连接",
    noClientsHint: "试一试：在此页面中把两个客户端连接到两个节点，并从一个发送到另一个。",
    tryIt: "连接客户端",
    node: "节点",
    center: "注册中心",
  },
);

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function lostText(lost: number): string {
  if (lost === 0) return "every link is up";
  return lost === 1 ? "1 link is lost" : `${lost} links are lost`;
}
