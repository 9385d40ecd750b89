import { createTheme, type MantineColorsTuple } from '@mantine/core';

/** Teal: apart from the red of errors, the amber of warnings and most of the service colours. */
const brand: MantineColorsTuple = [
  '#effcf9',
  '#d3f5ee',
  '#a5eadd',
  '#6ddbc9',
  '#3fc9b5',
  '#1fb39f',
  '#0f9789',
  '#0d7f76',
  '#0f655f',
  '#11534f',
];

export const theme = createTheme({
  primaryColor: 'brand',
  primaryShade: { light: 7, dark: 6 },
  colors: { brand },
  fontFamily: 'var(--font-text)',
  fontFamilyMonospace: 'var(--font-mono)',
  headings: { fontFamily: 'var(--font-text)', fontWeight: '600' },
  fontSizes: {
    xs: 'var(--text-xs)',
    sm: 'var(--text-md)',
    md: 'var(--text-lg)',
    lg: 'var(--text-xl)',
    xl: '22px',
  },
  defaultRadius: 6,
  cursorType: 'pointer',
  components: {
    Tooltip: { defaultProps: { openDelay: 350, fz: 'xs', withArrow: false, maw: 380, multiline: true } },
    Popover: { defaultProps: { shadow: 'md' } },
  },
});
