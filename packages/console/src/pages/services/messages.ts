import { defineMessages } from "../../i18n/language.tsx";

export const serviceMessages = defineMessages(
  {
    title: "Services",
    intro:
      "What nodes offer beside being connected to. The service websocket is the hub of connections, users and groups.",
    nodes: (count: number) => (count === 1 ? "1 node" : `${count} nodes`),
    scope: "Scope",
    params: "Parameters (JSON)",
    paramsSchema: "What it takes",
    resultSchema: "What it answers",
    where: "Where",
    onAny: "on any node that has it",
    onAll: "on all nodes that have it",
    onNode: (node: string) => `on node ${node}`,
    call: "Call",
    filter: "Find a service or method",
    none: "No service is there",
    noneHint: "A node has to be linked. An application offers services with node.services.register(…).",
  },
  {
    title: "服务",
    intro: "节点除了连接之外所提供的服务。websocket 服务就是连接、用户与群组的枢纽。",
    nodes: (count) => `${count} 个节点`,
    scope: "权限",
    params: "参数（JSON）",
    paramsSchema: "参数格式",
    resultSchema: "返回格式",
    where: "位置",
    onAny: "任意一个提供它的节点",
    onAll: "所有提供它的节点",
    onNode: (node) => `节点 ${node}`,
    call: "调用",
    filter: "查找服务或方法",
    none: "没有服务",
    noneHint: "需要有已连接的节点。应用通过 node.services.register(…) 提供服务。",
  },
);
