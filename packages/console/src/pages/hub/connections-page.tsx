import { useMessages } from "../../i18n/language.tsx";
import { Page } from "../../shared/page.tsx";
import { useQueryParams } from "../../shared/use-query-params.ts";
import { ConnectionTable } from "./connection-table.tsx";
import { ListingFilter } from "./listing-frame.tsx";
import { hubMessages } from "./messages.ts";

export default function ConnectionsPage() {
  const t = useMessages(hubMessages);
  const [params] = useQueryParams();
  return (
    <Page title={t.connections}>
      <ListingFilter label={t.searchConnections} />
      <ConnectionTable filter={Object.fromEntries(params)} />
    </Page>
  );
}
