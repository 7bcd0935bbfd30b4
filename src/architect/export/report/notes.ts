/** What report mode does, and what it cannot let pass. Whoever opens a configuration reads first that it refuses nothing. */
import type { ExportNote } from '../notes.ts';

export function reportNotes(...messages: readonly string[]): readonly ExportNote[] {
  return messages.map((message) => ({ code: 'report-mode', service: undefined, message }));
}

/** Of everything that asks a sidecar. */
export const SIDECAR_REPORTS =
  'Report mode: nothing is refused for its token. What other notes call refused passes, and the sidecar logs it. A call without the callee’s token goes out without any.';

/** Of a proxy that asks a sidecar. */
export const SIDECAR_IS_NEEDED =
  'Without an answer of the sidecar a request is refused with 503 in report mode, too.';
