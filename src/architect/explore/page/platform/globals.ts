/** Globals that code for Node uses without an import. */
import { PageBuffer } from './buffer.ts';

/** Names alone: the library's types lack some forms of its methods, such as `write` without an offset. */
PageBuffer satisfies Record<keyof BufferConstructor, unknown>;
PageBuffer.prototype satisfies Record<keyof Buffer, unknown>;

Object.assign(globalThis, { Buffer: PageBuffer });
