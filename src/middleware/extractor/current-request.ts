/**
 * Finds the context of the request that code runs for, however far from the handler it is: with Node's
 * AsyncLocalStorage, where the platform has one. It is looked up, not imported, so that a bundle for a platform
 * without it loads.
 */

import type { AsyncLocalStorage } from 'node:async_hooks';

import { usage } from '../option-checks.ts';
import type { RequestContext } from './request-context.ts';

/**
 * What the storage holds. Connections and timers that a request opened keep it for as long as they live, so the context
 * is taken out of it when the request ends.
 */
interface Current {
  context: RequestContext | undefined;
}

/** One request for as long as it lasts. */
export interface RequestScope {
  readonly context: RequestContext;
  /** Calls `work`: in all that it starts, `current()` and `fetch` of the extractor are those of this request. */
  run<Result>(work: () => Result): Result;
  /** The request is over: from now on `current()` fails in what `run` started. The context itself stays usable. */
  end(): void;
}

export class CurrentRequest {
  readonly #storage = newStorage();

  scope(context: RequestContext): RequestScope {
    const current: Current = { context };
    const storage = this.#storage;
    return {
      context,
      run: (work) => (storage ? storage.run(current, work) : work()),
      end: () => void (current.context = undefined),
    };
  }

  /** @throws WaybillError `usage` */
  get(): RequestContext {
    const current = this.#storage?.getStore();
    if (current?.context) return current.context;
    throw usage(
      this.#storage === undefined
        ? "this platform has no AsyncLocalStorage: use the request's own context"
        : current === undefined
          ? 'this code runs for no request, so there is no token to call with'
          : "the request is over: what goes on after its answer needs the request's own context",
    );
  }
}

function newStorage(): AsyncLocalStorage<Current> | undefined {
  // Some edge runtimes have the class as a global only; `process` may be missing, or a stand-in of a bundler.
  const { AsyncLocalStorage: Found, process } = globalThis as {
    AsyncLocalStorage?: typeof AsyncLocalStorage;
    process?: Partial<NodeJS.Process>;
  };
  const Storage = Found ?? process?.getBuiltinModule?.('node:async_hooks')?.AsyncLocalStorage;
  return Storage && new Storage();
}
