/** The colours of a picture, for light and dark backgrounds. Text has a contrast of at least 4.5 to 1. */
export interface Colour {
  readonly light: string;
  readonly dark: string;
}

export const palette = {
  ground: { light: '#ffffff', dark: '#0d1117' },
  ink: { light: '#1f2328', dark: '#f0f6fc' },
  muted: { light: '#59636e', dark: '#9198a1' },
  zone: { light: '#f6f8fa', dark: '#151b23' },
  zoneEdge: { light: '#c8d1da', dark: '#3d444d' },
  box: { light: '#ffffff', dark: '#212830' },
  boxEdge: { light: '#818b98', dark: '#656c76' },
  client: { light: '#ddf4ff', dark: '#121d2f' },
  clientEdge: { light: '#0969da', dark: '#4493f8' },
  arrow: { light: '#424a53', dark: '#b7bdc8' },
  scopes: { light: '#0550ae', dark: '#79c0ff' },
  claims: { light: '#7744cc', dark: '#d2a8ff' },
  fits: { light: '#116329', dark: '#3fb950' },
  tight: { light: '#7d4e00', dark: '#d29922' },
  over: { light: '#c21c28', dark: '#ff7b72' },
} as const satisfies Readonly<Record<string, Colour>>;

export type ColourName = keyof typeof palette;
