import { useMessages } from "../../i18n/language.tsx";
import { Page } from "../../shared/page.tsx";
import { useQueryParams } from "../../shared/use-query-params.ts";
import { GroupTable } from "./group-table.tsx";
import { ListingFilter } from "./listing-frame.tsx";
import { hubMessages } from "./messages.ts";

export default function GroupsPage() {
  const t = useMessages(hubMessages);
  const [params] = useQueryParams();
  return (
    <Page title={t.groups}>
      <ListingFilter label={t.searchGroups} />
      <GroupTable filter={Object.fromEntries(params)} />
    </Page>
  );
}
