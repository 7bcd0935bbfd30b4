/** What `/readyz` answers: whether requests are welcome, and what works. */
import type { Issuer } from '../issuer/index.ts';

export interface ReadinessReport {
  /** Of HTTP: 200 or 503. */
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface ReadinessOptions {
  /** The issuer that answers now. */
  readonly issuer: () => Issuer;
  /** Whether new requests are welcome; false while shutting down. Default: always. */
  readonly ready?: () => boolean;
  /** What else is to be told; it makes nothing unready. Default: nothing. */
  readonly details?: () => Readonly<Record<string, unknown>>;
}

export async function readinessOf({
  issuer,
  ready = () => true,
  details = () => ({}),
}: ReadinessOptions): Promise<ReadinessReport> {
  const status = !ready() ? 'stopping' : (await issuer().ready()) ? 'ready' : 'store unavailable';
  return {
    status: status === 'ready' ? 200 : 503,
    body: { status, graph: issuer().plan.digest, ...details() },
  };
}
