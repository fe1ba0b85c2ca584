import { Table } from "@mantine/core";
import type { OpsGroups } from "@websocket-center/protocol";
import { useFormats } from "../../i18n/formats.ts";
import { useMessages } from "../../i18n/language.tsx";
import { GroupLink, NodeLink } from "../../shared/links.tsx";
import { sharedMessages } from "../../shared/messages.ts";
import { ListingTable } from "./listing-frame.tsx";
import { hubMessages } from "./messages.ts";
import { useListing } from "./use-listing.ts";

/** Groups that match, for each node that has members of them. */
export function GroupTable({ filter }: { filter: Readonly<Record<string, string | undefined>> }) {
  const t = useMessages(hubMessages);
  const shared = useMessages(sharedMessages);
  const formats = useFormats();
  const listing = useListing<OpsGroups["items"][number]>("ops/groups", filter);
  return (
    <ListingTable
      label={t.groups}
      listing={listing}
      head={
        <>
          <Table.Th>{shared.group}</Table.Th>
          <Table.Th ta="end">{t.connections}</Table.Th>
          <Table.Th ta="end">{t.users}</Table.Th>
          <Table.Th>{shared.node}</Table.Th>
        </>
      }
      row={({ groupId, connections, users, nodeId }) => (
        <Table.Tr key={`${nodeId} ${groupId}`}>
          <Table.Td>
            <GroupLink id={groupId} />
          </Table.Td>
          <Table.Td ta="end">{formats.count(connections)}</Table.Td>
          <Table.Td ta="end">{formats.count(users)}</Table.Td>
          <Table.Td>
            <NodeLink id={nodeId} />
          </Table.Td>
        </Table.Tr>
      )}
    />
  );
}
