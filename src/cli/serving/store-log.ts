/** Logs the state of the store: lost, back, able to forget, has forgotten. */
import type { Logger } from 'pino';
import { isoTime } from '../../clock.ts';
import type { LossSign, StoreEvent, StoreRisk } from '../../issuer/stores/index.ts';

const RISKS: Readonly<Record<StoreRisk, string>> = {
  evicts:
    'maxmemory-policy is not noeviction: when its memory is full, Redis drops revocations and marks of what was used',
  no_aof: 'appendonly is not yes: a restart loses all changes since the last snapshot',
  replica: 'this server is a replica: its primary may overwrite it, and it may refuse writes',
  cluster: 'cluster_enabled, which is not supported',
  unknown: 'its user may not use INFO or CONFIG GET, so whether it may lose data is unknown',
};

const SIGNS: Readonly<Record<LossSign, string>> = {
  mark_gone: 'its mark is gone, as after FLUSHALL, a restart without persistence, or eviction',
  older_data: 'its data is older than it was, as after a restore',
  restarted: 'another server or process answers, and it may not have kept all data',
  evicted: 'it has evicted keys',
  seen_by_peer: 'another process that shares it has seen this',
};

export function logStoreEvent(log: Logger, event: StoreEvent): void {
  switch (event.type) {
    case 'lost':
      return log.error(
        { reason: event.reason },
        'the store is lost; until it is back, requests that need it are answered 503',
      );
    case 'back':
      return log.info({ seconds: event.seconds }, 'the store is back');
    case 'risks':
      if (event.risks.length === 0) return log.info('the store is configured to keep its data');
      return log.warn(
        { risks: event.risks.map((risk) => RISKS[risk]), policy: event.policy },
        'the store may forget',
      );
    case 'empty':
      return log.info(
        { since: isoTime(event.since) },
        'the store is empty: assertions and DPoP proofs that were made earlier are refused',
      );
    case 'forgot':
      return log.error(
        { reason: SIGNS[event.sign], since: isoTime(event.since) },
        'the store may have lost data: assertions and DPoP proofs that were made earlier are refused; revocations and opaque tokens may be gone',
      );
    case 'counts_alone':
      return log.warn({ reason: event.reason }, 'failed logins are counted by this process alone');
    case 'counts_shared':
      return log.info('failed logins are counted in the store again');
  }
}
