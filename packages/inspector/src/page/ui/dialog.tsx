/**
 * Asks before something that cannot be taken back.
 *
 * @module
 */
import type { ReactNode } from "react"
import { Dialog, DialogTrigger } from "react-aria-components/Dialog"
import { Heading } from "react-aria-components/Heading"
import { Modal, ModalOverlay } from "react-aria-components/Modal"
import { Button } from "./controls.tsx"

/** A button that asks first. */
export const Confirm = ({
  action,
  children,
  onConfirm,
  title,
  trigger
}: {
  readonly trigger: ReactNode
  readonly title: string
  readonly children: ReactNode
  /** What the button says that does it. */
  readonly action: string
  readonly onConfirm: () => void
}) => (
  <DialogTrigger>
    {trigger}
    <ModalOverlay className="modal-back" isDismissable>
      <Modal className="modal">
        <Dialog role="alertdialog" className="dialog">
          {({ close }) => (
            <>
              <Heading slot="title" level={2}>
                {title}
              </Heading>
              <div className="dialog-body">{children}</div>
              <div className="dialog-end">
                <Button onPress={close}>Cancel</Button>
                <Button
                  kind="main"
                  onPress={() => {
                    close()
                    onConfirm()
                  }}
                >
                  {action}
                </Button>
              </div>
            </>
          )}
        </Dialog>
      </Modal>
    </ModalOverlay>
  </DialogTrigger>
)
