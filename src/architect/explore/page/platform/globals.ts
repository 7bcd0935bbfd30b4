/** What code for Node finds without importing it. */
import { PageBuffer } from './buffer.ts';

Object.assign(globalThis, { Buffer: PageBuffer });
