/** What `/readyz` says: whether requests are welcome, and which parts work. */
import type { Issuer } from '../issuer/index.ts';

export interface Readiness {
  /** `ready` is answered 200, all else 503. */
  readonly status: string;
  /** For people and dashboards; JSON. */
  readonly details: Readonly<Record<string, unknown>>;
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
}: ReadinessOptions): Promise<Readiness> {
  const status = !ready() ? 'stopping' : (await issuer().ready()) ? 'ready' : 'store unavailable';
  return { status, details: { graph: issuer().plan.digest, ...details() } };
}
