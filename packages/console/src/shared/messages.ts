import { defineMessages } from "../i18n/language.tsx";

/** Texts that several pages have. */
export const sharedMessages = defineMessages(
  {
    loading: "Loading…",
    retry: "Try again",
    copy: "Copy",
    copied: "Copied",
    callId: (id: string) => `Call ${id}`,
    notAllowed: (scope: string) => `The token does not allow this: it lacks the scope "${scope}".`,
    connection: "Connection",
    user: "User",
    group: "Group",
    node: "Node",
    center: "Center",
  },
  {
    loading: "加载中…",
    retry: "重试",
    copy: "复制",
    copied: "已复制",
    callId: (id) => `调用 ${id}`,
    notAllowed: (scope) => `令牌不允许此操作：缺少权限“${scope}”。`,
    connection: "连接",
    user: "用户",
    group: "群组",
    node: "节点",
    center: "注册中心",
  },
);
