import { Button, Group, Modal, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { useMessages } from "../i18n/language.tsx";
import { sharedMessages } from "./messages.ts";

/** Asks before something is done that cannot be taken back. */
export function Confirm({
  isOpen,
  title,
  action,
  color = "red",
  onConfirm,
  onCancel,
  children,
}: {
  isOpen: boolean;
  title: string;
  action: string;
  color?: string;
  onConfirm: () => void;
  onCancel: () => void;
  children: ReactNode;
}) {
  const t = useMessages(sharedMessages);
  return (
    <Modal
      opened={isOpen}
      onClose={onCancel}
      title={title}
      centered
      closeButtonProps={{ "aria-label": t.close }}
    >
      <Text size="sm" component="div">
        {children}
      </Text>
      <Group justify="flex-end" mt="md">
        <Button variant="default" onClick={onCancel}>
          {t.cancel}
        </Button>
        <Button color={color} onClick={onConfirm} autoContrast data-autofocus>
          {action}
        </Button>
      </Group>
    </Modal>
  );
}
