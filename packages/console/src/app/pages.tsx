import {
  IconActivity,
  IconApi,
  IconBroadcast,
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

/** In the order of the navigation. Each page is loaded when it is first shown. */
export const pageEntries: readonly PageEntry[] = [
  { path: "/", name: "overview", icon: IconActivity, page: overview },
];

/** For pages to come from their own files. */
export const icons = {
  nodes: IconServer,
  services: IconBroadcast,
  connections: IconPlugConnected,
  users: IconUser,
  groups: IconUsersGroup,
  send: IconSend,
  tryIt: IconTerminal2,
  explorer: IconApi,
  trace: IconRoute,
  log: IconListDetails,
};
