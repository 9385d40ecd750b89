import { useMediaQuery } from '@mantine/hooks';

/** Whether the window is as narrow as a phone: there, what is a table elsewhere is a list of cards. */
export const usePhone = (): boolean =>
  useMediaQuery('(max-width: 700px)', undefined, { getInitialValueInEffect: false });
