import { Table } from "@mantine/core";
import type { OpsUsers } from "@websocket-center/protocol";
import { useFormats } from "../../i18n/formats.ts";
import { useMessages } from "../../i18n/language.tsx";
import { NodeLink, UserLink } from "../../shared/links.tsx";
import { sharedMessages } from "../../shared/messages.ts";
import { ListingTable } from "./listing-frame.tsx";
import { hubMessages } from "./messages.ts";
import { useListing } from "./use-listing.ts";

/** Users that match, for each node that they are connected to. */
export function UserTable({ filter }: { filter: Readonly<Record<string, string | undefined>> }) {
  const t = useMessages(hubMessages);
  const shared = useMessages(sharedMessages);
  const formats = useFormats();
  const listing = useListing<OpsUsers["items"][number]>("ops/users", filter);
  return (
    <ListingTable
      label={t.users}
      listing={listing}
      head={
        <>
          <Table.Th>{shared.user}</Table.Th>
          <Table.Th ta="end">{t.connections}</Table.Th>
          <Table.Th ta="end">{t.groups}</Table.Th>
          <Table.Th>{shared.node}</Table.Th>
        </>
      }
      row={({ userId, connections, groups, nodeId }) => (
        <Table.Tr key={`${nodeId} ${userId}`}>
          <Table.Td>
            <UserLink id={userId} />
          </Table.Td>
          <Table.Td ta="end">{formats.count(connections)}</Table.Td>
          <Table.Td ta="end">{formats.count(groups)}</Table.Td>
          <Table.Td>
            <NodeLink id={nodeId} />
          </Table.Td>
        </Table.Tr>
      )}
    />
  );
}
