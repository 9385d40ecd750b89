import { Button, Modal, TextInput, type ButtonProps } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import classes from './Confirm.module.css';
import { said } from './said';

interface Props {
  /** Of the button that asks. */
  label: string;
  /** What would be done, as a question. */
  title: string;
  /** Of the button that does it. */
  act: string;
  /** What has to be typed first, where it cannot be taken back and touches much. */
  typed?: string | undefined;
  /** Whether something is lost by it. */
  harmless?: boolean;
  run: () => Promise<unknown>;
  /** What it does, and what it does not. */
  children: ReactNode;
  button?: ButtonProps;
}

/** A button for what is not done at the first click: it says what will be, and asks. What goes wrong is said there. */
export function Confirm({ label, title, act, typed, harmless = false, run, children, button }: Props) {
  const [open, setOpen] = useState(false);
  const [text, setText] = useState('');
  const doing = useMutation({ mutationFn: run, onSuccess: () => setOpen(false) });
  const close = () => {
    if (!doing.isPending) setOpen(false);
  };
  return (
    <>
      <Button
        size="compact-xs"
        variant="default"
        {...button}
        onClick={() => {
          doing.reset();
          setText('');
          setOpen(true);
        }}
      >
        {label}
      </Button>
      <Modal opened={open} onClose={close} title={title} closeButtonProps={{ 'aria-label': 'Close' }} size="md">
        <form
          className={classes.form}
          onSubmit={(event) => {
            event.preventDefault();
            event.stopPropagation();
            doing.mutate();
          }}
        >
          <div className={classes.text}>{children}</div>
          {typed !== undefined && (
            <TextInput
              label={
                <>
                  Type <b>{typed}</b> to go on
                </>
              }
              value={text}
              onChange={(event) => setText(event.currentTarget.value)}
              autoComplete="off"
              data-autofocus
            />
          )}
          {doing.error !== null && (
            <p role="alert" className={classes.wrong}>
              {said(doing.error)}
            </p>
          )}
          <div className={classes.buttons}>
            <Button variant="default" onClick={close} disabled={doing.isPending}>
              Cancel
            </Button>
            <Button
              type="submit"
              {...(harmless ? {} : { color: 'red' })}
              loading={doing.isPending}
              disabled={typed !== undefined && text.trim() !== typed}
            >
              {act}
            </Button>
          </div>
        </form>
      </Modal>
    </>
  );
}
