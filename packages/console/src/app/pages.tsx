import {
  IconActivity,
  IconApi,
  IconBroadcast,
  IconEye,
  IconListDetails,
  IconPlugConnected,
  IconRoute,
  IconSend,
  IconServer,
  IconTerminal2,
  IconUser,
  IconUsersGroup,
} from "@tabler/icons-react";
import { type ComponentType, lazy } from "react";
import type { appMessages } from "./messages.ts";

/** A page of the console. `path`: as wouter matches it; pages without a name are reached from others. */
export interface PageEntry {
  path: string;
  name?: keyof (typeof appMessages)["en"]["pages"];
  icon?: ComponentType<{ size?: number; "aria-hidden"?: boolean }>;
  page: ComponentType;
}

const loads: (() => Promise<unknown>)[] = [];

function page(load: () => Promise<{ default: ComponentType }>): ComponentType {
  loads.push(load);
  return lazy(load);
}

/**
 * Loads the pages that were not shown yet: they come from the center that served this one, which may be gone when they
 * are wanted. What cannot be loaded is told when it is shown.
 */
export async function loadPages(): Promise<void> {
  for (const load of loads) await load().catch(() => {});
}

const overview = page(() => import("../pages/overview/overview-page.tsx"));
const nodes = page(() => import("../pages/nodes/nodes-page.tsx"));
const node = page(() => import("../pages/nodes/node-page.tsx"));
const connections = page(() => import("../pages/hub/connections-page.tsx"));
const connection = page(() => import("../pages/hub/connection-page.tsx"));
const users = page(() => import("../pages/hub/users-page.tsx"));
const user = page(() => import("../pages/hub/user-page.tsx"));
const groups = page(() => import("../pages/hub/groups-page.tsx"));
const group = page(() => import("../pages/hub/group-page.tsx"));
const send = page(() => import("../pages/send/send-page.tsx"));
const tryIt = page(() => import("../pages/try/try-page.tsx"));
const trace = page(() => import("../pages/trace/trace-page.tsx"));
const watch = page(() => import("../pages/watch/watch-page.tsx"));
const log = page(() => import("../pages/log/log-page.tsx"));
const explorer = page(() => import("../pages/explorer/explorer-page.tsx"));
const services = page(() => import("../pages/services/services-page.tsx"));

/** In the order of the navigation. */
export const pageEntries: readonly PageEntry[] = [
  { path: "/", name: "overview", icon: IconActivity, page: overview },
  { path: "/nodes", name: "nodes", icon: IconServer, page: nodes },
  { path: "/nodes/:nodeId", page: node },
  { path: "/connections", name: "connections", icon: IconPlugConnected, page: connections },
  { path: "/connections/:connectionId", page: connection },
  { path: "/users", name: "users", icon: IconUser, page: users },
  { path: "/users/:userId", page: user },
  { path: "/groups", name: "groups", icon: IconUsersGroup, page: groups },
  { path: "/groups/:groupId", page: group },
  { path: "/send", name: "send", icon: IconSend, page: send },
  { path: "/try", name: "tryIt", icon: IconTerminal2, page: tryIt },
  { path: "/trace", name: "trace", icon: IconRoute, page: trace },
  { path: "/watch", name: "watch", icon: IconEye, page: watch },
  { path: "/log", name: "log", icon: IconListDetails, page: log },
  { path: "/explorer", name: "explorer", icon: IconApi, page: explorer },
  { path: "/services", name: "services", icon: IconBroadcast, page: services },
];
