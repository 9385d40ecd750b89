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

/** Mantine builds its dark surfaces, borders and inputs from this; the same cool greys as tokens.css. */
const dark: MantineColorsTuple = [
  '#e4e9ef',
  '#a9b4c1',
  '#8b98a8',
  '#7d8a99',
  '#364250',
  '#2a3441',
  '#1a212b',
  '#141a22',
  '#0d1117',
  '#090c11',
];

export const theme = createTheme({
  primaryColor: 'brand',
  primaryShade: 7,
  colors: { brand, dark },
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
    Button: { styles: { label: { fontWeight: 500 } } },
    Popover: { defaultProps: { shadow: 'md' } },
  },
});
