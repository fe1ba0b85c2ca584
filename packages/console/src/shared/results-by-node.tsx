import { Badge, Code, Table, Text } from "@mantine/core";
import type { NodeResult } from "../api/hub.ts";
import { useMessages } from "../i18n/language.tsx";
import { NodeLink } from "./links.tsx";
import { sharedMessages } from "./messages.ts";

/** What a call came to at each node. */
export function ResultsByNode({ results }: { results: readonly NodeResult[] }) {
  const t = useMessages(sharedMessages);
  return (
    <Table.ScrollContainer minWidth={360}>
      <Table aria-label={t.resultsByNode}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t.node}</Table.Th>
            <Table.Th>{t.outcome}</Table.Th>
            <Table.Th>{t.result}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {results.map((result) => (
            <Table.Tr key={result.nodeId}>
              <Table.Td>
                <NodeLink id={result.nodeId} />
              </Table.Td>
              <Table.Td>
                <Badge color={result.ok ? "teal" : "red"} variant="light" autoContrast>
                  {result.ok ? t.ok : result.code}
                </Badge>
              </Table.Td>
              <Table.Td>
                {result.ok ? (
                  <Code>{JSON.stringify(result.value)}</Code>
                ) : (
                  <Text size="sm">{result.message}</Text>
                )}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
