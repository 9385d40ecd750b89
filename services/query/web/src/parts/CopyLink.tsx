import { Button, Tooltip } from '@mantine/core';
import { useClipboard } from '@mantine/hooks';
import { IconCheck, IconLink } from '@tabler/icons-react';
import { useRouter } from '@tanstack/react-router';
import { useTimeRange } from '../route/time';
import { pinned, rangeToSearch, type TimeRange } from '../time/range';
import { parseSearch, stringifySearch } from '../route/search';
import { useShortcut } from './Keyboard';

/** Copies the address of what is shown, as of when it was answered: whoever opens it sees the same, also tomorrow. */
export function CopyLink({ at }: { at: number | undefined }) {
  const range = useTimeRange();
  const router = useRouter();
  const clipboard = useClipboard({ timeout: 1_500 });
  const copy = () => {
    const { href } = router.state.location;
    clipboard.copy(window.location.origin + pinnedAddress(router.history.createHref(href), range, at ?? Date.now()));
  };
  useShortcut('y', 'Copy a link to what is shown', copy);
  const label =
    clipboard.error !== null
      ? 'This browser does not let the page copy'
      : clipboard.copied
        ? 'Copied, with the times as they are now'
        : 'Copy link';
  return (
    <Tooltip label={label} {...(clipboard.copied || clipboard.error !== null ? { opened: true } : {})}>
      <Button
        variant="default"
        size="xs"
        px={9}
        onClick={copy}
        aria-label={clipboard.copied ? 'Link copied' : 'Copy link'}
      >
        {clipboard.copied ? <IconCheck size={15} /> : <IconLink size={15} />}
      </Button>
    </Tooltip>
  );
}

/** The address with both ends of its range. */
export function pinnedAddress(address: string, range: TimeRange, now: number): string {
  const [rest = '', hash] = address.split('#', 2);
  const [path = '', search = ''] = rest.split('?', 2);
  const asked = { ...parseSearch(search) };
  delete asked['range'];
  return (
    path + stringifySearch({ ...asked, ...rangeToSearch(pinned(range, now)) }) + (hash === undefined ? '' : `#${hash}`)
  );
}
