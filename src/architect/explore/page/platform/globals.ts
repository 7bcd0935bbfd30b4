/** Globals that code for Node uses without an import. */
import { PageBuffer } from './buffer.ts';

Object.assign(globalThis, { Buffer: PageBuffer });
