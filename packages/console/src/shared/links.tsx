import { Anchor, Tooltip } from "@mantine/core";
import { Link } from "wouter";

/** Ids are long: what is shown is their beginning, and the whole on hover, for screen readers, and when copied. */
function ShortId({ id, to, length }: { id: string; to: string; length: number }) {
  const short = id.length > length + 1 ? `${id.slice(0, length)}…` : id;
  return (
    <Tooltip label={id} openDelay={300}>
      <Anchor component={Link} to={to} ff="monospace" size="sm" aria-label={id}>
        {short}
      </Anchor>
    </Tooltip>
  );
}

export function NodeLink({ id }: { id: string }) {
  return <ShortId id={id} to={`/nodes/${id}`} length={12} />;
}

export function ConnectionLink({ id }: { id: string }) {
  return <ShortId id={id} to={`/connections/${encodeURIComponent(id)}`} length={20} />;
}

export function UserLink({ id }: { id: string }) {
  return <ShortId id={id} to={`/users/${encodeURIComponent(id)}`} length={40} />;
}

export function GroupLink({ id }: { id: string }) {
  return <ShortId id={id} to={`/groups/${encodeURIComponent(id)}`} length={40} />;
}
