/** A store whose operations are timed, for metrics. */
import type { Store } from './store.ts';

/** What asks the store's server, or the memory that stands for it. */
export type StoreOperation =
  'put' | 'get' | 'delete' | 'markOnce' | 'announce' | 'withdraw' | 'addFailure' | 'failures';

/** Told of each operation when it ends. It must neither throw nor block. */
export type StoreObserver = (operation: StoreOperation, seconds: number, failed: boolean) => void;

export function observedStore(store: Store, observe: StoreObserver): Store {
  const timed =
    <Given extends unknown[], Result>(
      name: StoreOperation,
      operation: (...given: Given) => Promise<Result>,
    ): ((...given: Given) => Promise<Result>) =>
    async (...given) => {
      const since = performance.now();
      let failed = true;
      try {
        const result = await operation(...given);
        failed = false;
        return result;
      } finally {
        observe(name, (performance.now() - since) / 1_000, failed);
      }
    };
  return {
    put: timed('put', (...given) => store.put(...given)),
    get: timed('get', (...given) => store.get(...given)),
    delete: timed('delete', (...given) => store.delete(...given)),
    markOnce: timed('markOnce', (...given) => store.markOnce(...given)),
    announce: timed('announce', (...given) => store.announce(...given)),
    withdraw: timed('withdraw', (...given) => store.withdraw(...given)),
    addFailure: timed('addFailure', (...given) => store.addFailure(...given)),
    failures: timed('failures', (...given) => store.failures(...given)),
    marksSince: () => store.marksSince(),
    state: () => store.state(),
    ready: () => store.ready(),
    close: () => store.close(),
  };
}
