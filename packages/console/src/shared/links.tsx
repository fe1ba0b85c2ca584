import classes from "./links.module.css";

/**
 * Ids are long: what is seen is their beginning, and the whole on hover, for screen readers, and when copied. Plain
 * elements, since a page has hundreds of them, and what stands behind the `#` needs no router to be followed.
 */
function IdLink({ id, to, width }: { id: string; to: string; width: string }) {
  return (
    <a href={`#${to}`} className={classes["id"]} style={{ maxWidth: width }} title={id}>
      {id}
    </a>
  );
}

export function NodeLink({ id }: { id: string }) {
  return <IdLink id={id} to={`/nodes/${id}`} width="13ch" />;
}

export function ConnectionLink({ id }: { id: string }) {
  return <IdLink id={id} to={`/connections/${encodeURIComponent(id)}`} width="21ch" />;
}

export function UserLink({ id }: { id: string }) {
  return <IdLink id={id} to={`/users/${encodeURIComponent(id)}`} width="40ch" />;
}

export function GroupLink({ id }: { id: string }) {
  return <IdLink id={id} to={`/groups/${encodeURIComponent(id)}`} width="40ch" />;
}
