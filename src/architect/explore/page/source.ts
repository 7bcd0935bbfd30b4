/** Where the page has its data from: inside a static site, or from the server that shows it, which tells of changes. */
import { WaybillError } from '../../../errors.ts';
import type { ViewData } from '../view-data.ts';

/** @throws where the server has gone, or answers something else. */
export async function loadData(): Promise<ViewData> {
  const inside = document.getElementById('data');
  if (inside) return JSON.parse(inside.textContent) as ViewData;
  const response = await fetch('data.json');
  if (!response.ok) throw new WaybillError('usage', `The server answers ${response.status}.`);
  return (await response.json()) as ViewData;
}

/** @param connected told whether the server can be heard. @returns what ends it. */
export function followChanges(changed: () => void, connected: (is: boolean) => void): () => void {
  const events = new EventSource('events');
  let lost = false;
  events.addEventListener('changed', changed);
  events.addEventListener('open', () => {
    connected(true);
    // What changed while it was away, nobody told.
    if (lost) changed();
    lost = false;
  });
  events.addEventListener('error', () => {
    lost = true;
    connected(false);
  });
  return () => events.close();
}
