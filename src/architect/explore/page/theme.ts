/** Light or dark: the system's setting until the user chooses. */
import { useEffect, useState } from 'preact/hooks';

export type Theme = 'light' | 'dark';

const systemDark = matchMedia('(prefers-color-scheme: dark)');

export function useTheme(): readonly [Theme, (theme: Theme) => void] {
  const [chosen, setChosen] = useState<Theme>();
  const [system, setSystem] = useState<Theme>(systemDark.matches ? 'dark' : 'light');
  useEffect(() => {
    const changed = ({ matches }: MediaQueryListEvent): void => setSystem(matches ? 'dark' : 'light');
    systemDark.addEventListener('change', changed);
    return () => systemDark.removeEventListener('change', changed);
  }, []);
  const theme = chosen ?? system;
  // Before the graph reads the colours.
  document.documentElement.dataset['theme'] = theme;
  return [theme, setChosen];
}
