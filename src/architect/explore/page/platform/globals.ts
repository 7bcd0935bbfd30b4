/** Globals that code for Node expects. */
import { PageBuffer } from './buffer.ts';

Object.assign(globalThis, { Buffer: PageBuffer });
