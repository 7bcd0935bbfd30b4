/** Codes whose wrong graphs are no texts of their own; files.test.ts makes them. */
import type { FindingCode } from '../../../src/graph/index.ts';

export const fileCodes = [
  'file-unreadable',
  'no-files',
  'too-many-files',
  'file-too-large',
  'not-utf8',
  'too-many-findings',
] as const satisfies readonly FindingCode[];
