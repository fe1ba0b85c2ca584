import { Table } from "@mantine/core";
import type { OpsConnections } from "@websocket-center/protocol";
import { useFormats } from "../../i18n/formats.ts";
import { useMessages } from "../../i18n/language.tsx";
import { ConnectionLink, NodeLink, UserLink } from "../../shared/links.tsx";
import { sharedMessages } from "../../shared/messages.ts";
import { ListingTable } from "./listing-frame.tsx";
import { hubMessages } from "./messages.ts";
import { useListing } from "./use-listing.ts";

type Item = OpsConnections["items"][number];

/** Connections that match, a page at a time. */
export function ConnectionTable({ filter }: { filter: Readonly<Record<string, string | undefined>> }) {
  const t = useMessages(hubMessages);
  const shared = useMessages(sharedMessages);
  const formats = useFormats();
  const listing = useListing<Item>("ops/connections", filter);
  return (
    <ListingTable
      label={t.connections}
      listing={listing}
      head={
        <>
          <Table.Th>{shared.connection}</Table.Th>
          <Table.Th>{shared.user}</Table.Th>
          <Table.Th ta="end">{t.groups}</Table.Th>
          <Table.Th>{t.address}</Table.Th>
          <Table.Th>{t.opened}</Table.Th>
          <Table.Th ta="end">{t.bytesIn}</Table.Th>
          <Table.Th ta="end">{t.bytesOut}</Table.Th>
          <Table.Th ta="end">{t.buffered}</Table.Th>
          <Table.Th>{shared.node}</Table.Th>
        </>
      }
      row={(item) => (
        <Table.Tr key={item.id}>
          <Table.Td>
            <ConnectionLink id={item.id} />
          </Table.Td>
          <Table.Td>{item.userId === null ? "–" : <UserLink id={item.userId} />}</Table.Td>
          <Table.Td ta="end">{formats.count(item.groups)}</Table.Td>
          <Table.Td>{item.remoteAddress}</Table.Td>
          <Table.Td>{formats.dateTime(item.openedAt)}</Table.Td>
          <Table.Td ta="end">{formats.bytes(item.bytesIn)}</Table.Td>
          <Table.Td ta="end">{formats.bytes(item.bytesOut)}</Table.Td>
          <Table.Td ta="end">{formats.bytes(item.bufferedBytes)}</Table.Td>
          <Table.Td>
            <NodeLink id={item.nodeId} />
          </Table.Td>
        </Table.Tr>
      )}
    />
  );
}
