import { Button, Collapse } from "@mantine/core";
import { useDisclosure, useId } from "@mantine/hooks";
import { IconChevronDown, IconChevronRight } from "@tabler/icons-react";
import type { ReactNode } from "react";

/** Something that is shown when one asks for it. */
export function Fold({
  label,
  isOpenAtFirst = false,
  children,
}: {
  label: string;
  isOpenAtFirst?: boolean;
  children: ReactNode;
}) {
  const id = useId();
  const [isOpen, { toggle }] = useDisclosure(isOpenAtFirst);
  const Icon = isOpen ? IconChevronDown : IconChevronRight;
  return (
    <>
      <Button
        variant="subtle"
        size="compact-sm"
        onClick={toggle}
        aria-expanded={isOpen}
        aria-controls={id}
        leftSection={<Icon size={16} aria-hidden />}
      >
        {label}
      </Button>
      <Collapse expanded={isOpen} id={id}>
        {children}
      </Collapse>
    </>
  );
}
