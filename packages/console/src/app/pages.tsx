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

const overview = lazy(() => import("../pages/overview/overview-page.tsx"));
const nodes = lazy(() => import("../pages/nodes/nodes-page.tsx"));
const node = lazy(() => import("../pages/nodes/node-page.tsx"));
const connections = lazy(() => import("../pages/hub/connections-page.tsx"));
const connection = lazy(() => import("../pages/hub/connection-page.tsx"));
const users = lazy(() => import("../pages/hub/users-page.tsx"));
const user = lazy(() => import("../pages/hub/user-page.tsx"));
const groups = lazy(() => import("../pages/hub/groups-page.tsx"));
const group = lazy(() => import("../pages/hub/group-page.tsx"));
const send = lazy(() => import("../pages/send/send-page.tsx"));
const tryIt = lazy(() => import("../pages/try/try-page.tsx"));
const trace = lazy(() => import("../pages/trace/trace-page.tsx"));
const watch = lazy(() => import("../pages/watch/watch-page.tsx"));
const log = lazy(() => import("../pages/log/log-page.tsx"));
const explorer = lazy(() => import("../pages/explorer/explorer-page.tsx"));
const services = lazy(() => import("../pages/services/services-page.tsx"));

/** In the order of the navigation. Each page is loaded when it is first shown. */
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
