import { ActionIcon, Alert, Button, Group, Select, Table, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconChevronLeft, IconChevronRight, IconRefresh, IconSearch } from "@tabler/icons-react";
import { type ReactNode, useEffect, useState } from "react";
import { useLive } from "../../api/console-api.tsx";
import { useMessages } from "../../i18n/language.tsx";
import { sharedMessages } from "../../shared/messages.ts";
import { Empty, Failed, Loading } from "../../shared/states.tsx";
import { useQueryParams } from "../../shared/use-query-params.ts";
import { hubMessages } from "./messages.ts";
import type { Listing } from "./use-listing.ts";

const SEARCH_DELAY_MS = 300;

/** The search and the node, as they stand in the page's address. */
export function ListingFilter({ label }: { label: string }) {
  const shared = useMessages(sharedMessages);
  const { state } = useLive();
  const [params, change] = useQueryParams();
  const given = params.get("search") ?? "";
  const [text, setText] = useState(given);
  useEffect(() => setText(given), [given]);
  const search = useDebouncedCallback((wanted: string) => change({ search: wanted }), SEARCH_DELAY_MS);
  const nodes = (state?.nodes ?? []).map(({ id, publicUrl }) => ({ value: id, label: publicUrl }));
  return (
    <Group gap="sm" align="flex-end">
      <TextInput
        label={shared.search}
        placeholder={label}
        leftSection={<IconSearch size={16} aria-hidden />}
        value={text}
        onChange={(event) => {
          setText(event.currentTarget.value);
          search(event.currentTarget.value);
        }}
        w={320}
        maw="100%"
      />
      <Select
        label={shared.node}
        data={nodes}
        placeholder={shared.anyNode}
        value={params.get("nodeId")}
        onChange={(nodeId) => change({ nodeId: nodeId ?? undefined })}
        clearable
        clearButtonProps={{ "aria-label": shared.anyNode }}
        w={260}
        maw="100%"
      />
    </Group>
  );
}

/** A page of a listing as a table, with the way on and back. */
export function ListingTable<T>({
  label,
  listing,
  head,
  row,
}: {
  label: string;
  listing: Listing<T>;
  head: ReactNode;
  row: (item: T) => ReactNode;
}) {
  const t = useMessages(hubMessages);
  const shared = useMessages(sharedMessages);
  const { page, error, isFetching, next, previous, refresh } = listing;
  if (page === undefined) {
    return error === null || error === undefined ? <Loading /> : <Failed error={error} onRetry={refresh} />;
  }
  return (
    <>
      {error !== null && error !== undefined && <Failed error={error} onRetry={refresh} />}
      {page.failed.length > 0 && (
        <Alert color="orange" role="alert" title={t.failedNodes(page.failed.length)}>
          {[...new Set(page.failed.map(({ message }) => message))].join("; ")}
        </Alert>
      )}
      {page.items.length === 0 && page.failed.length === 0 && previous === undefined && next === undefined ? (
        <Empty title={t.nothing}>{t.nothingHint}</Empty>
      ) : (
        <Table.ScrollContainer minWidth={700}>
          <Table
            verticalSpacing="xs"
            highlightOnHover
            aria-label={label}
            style={{ fontVariantNumeric: "tabular-nums" }}
          >
            <Table.Thead>
              <Table.Tr>{head}</Table.Tr>
            </Table.Thead>
            <Table.Tbody>{page.items.map(row)}</Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      <Group gap="xs">
        <Button
          variant="default"
          leftSection={<IconChevronLeft size={16} aria-hidden />}
          disabled={previous === undefined}
          onClick={previous}
        >
          {shared.previous}
        </Button>
        <Button
          variant="default"
          rightSection={<IconChevronRight size={16} aria-hidden />}
          disabled={next === undefined}
          onClick={next}
        >
          {shared.next}
        </Button>
        <ActionIcon
          variant="default"
          size="lg"
          aria-label={shared.refresh}
          onClick={refresh}
          loading={isFetching}
        >
          <IconRefresh size={16} aria-hidden />
        </ActionIcon>
      </Group>
    </>
  );
}
