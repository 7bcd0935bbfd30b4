/** Loads the page's data, from inside a static site or from the server, and follows the server's changes. */
import { usageError } from '../../../errors.ts';
import type { ViewData } from '../view-data.ts';

/** @throws if the server is gone or responds with an error. */
export async function loadData(): Promise<ViewData> {
  const inside = document.getElementById('data');
  if (inside) return JSON.parse(inside.textContent) as ViewData;
  const response = await fetch('data.json');
  if (!response.ok) throw usageError(`The server answers ${response.status}.`);
  return (await response.json()) as ViewData;
}

/** @param connected called with the state of the connection. @returns a function that stops following. */
export function followChanges(changed: () => void, connected: (is: boolean) => void): () => void {
  const events = new EventSource('events');
  let lost = false;
  events.addEventListener('changed', changed);
  events.addEventListener('open', () => {
    connected(true);
    // The graph may have changed in between.
    if (lost) changed();
    lost = false;
  });
  events.addEventListener('error', () => {
    lost = true;
    connected(false);
  });
  return () => events.close();
}
