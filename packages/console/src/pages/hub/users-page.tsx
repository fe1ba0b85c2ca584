import { useMessages } from "../../i18n/language.tsx";
import { Page } from "../../shared/page.tsx";
import { useQueryParams } from "../../shared/use-query-params.ts";
import { UserTable } from "./user-table.tsx";
import { ListingFilter } from "./listing-frame.tsx";
import { hubMessages } from "./messages.ts";

export default function UsersPage() {
  const t = useMessages(hubMessages);
  const [params] = useQueryParams();
  return (
    <Page title={t.users}>
      <ListingFilter label={t.searchUsers} />
      <UserTable filter={Object.fromEntries(params)} />
    </Page>
  );
}
