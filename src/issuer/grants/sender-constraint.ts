/** Resolves the sender constraint (`cnf`) of a request: what the graph requires, and which keys the request presents. */
import type { X509Certificate } from 'node:crypto';

import type { Clock } from '../../clock.ts';
import { WaybillError } from '../../errors.ts';
import type { Plan } from '../../graph/index.ts';
import { hasAcceptableKey, thumbprintOf } from '../../identity/index.ts';
import { describeLostMarks, timeToLive, type Store } from '../stores/index.ts';
import { verifyProof, type Confirmation } from '../../token/index.ts';
import { nameOf, type Party } from '../client-authentication/parties.ts';

/** The keys that a token request presents, beside its credentials. */
export interface PresentedKeys {
  /**
   * The certificate of the connection. The TLS handshake has proven that the client holds its key; who signed it does not
   * matter here.
   */
  readonly certificate?: X509Certificate | undefined;
  /** The lines of the `DPoP` header. */
  readonly proofs: readonly string[];
}

export class SenderConstraints {
  readonly #tokenEndpoint: string;
  readonly #store: Store;
  readonly #clock: Clock;

  constructor(plan: Plan, store: Store, clock: Clock) {
    // As in the metadata: a `Host` header says what the sender wants.
    this.#tokenEndpoint = `${plan.issuer.url}/token`;
    this.#store = store;
    this.#clock = clock;
  }

  /**
   * @returns undefined if the tokens are bound to no key.
   * @throws WaybillError `invalid_request` without the certificate that the graph requires, or with an unexpected proof;
   *   `invalid_dpop_proof` for a proof that is not accepted, used before or missing; `store_unavailable`
   */
  async resolve(party: Party, { certificate, proofs }: PresentedKeys): Promise<Confirmation | undefined> {
    const boundTo = party.kind === 'client' ? party.client.boundTo : undefined;
    if (proofs.length > 0 && (party.kind === 'service' || boundTo === 'certificate')) {
      throw new WaybillError(
        'invalid_request',
        `${nameOf(party)} must not send a DPoP proof: ${whyNot(party)}.`,
      );
    }
    if (boundTo === 'certificate') return { 'x5t#S256': thumbprintOf(requireCertificate(certificate)) };
    if (proofs.length === 0 && boundTo === undefined) return undefined;
    return { jkt: await this.#prove(party, proofs) };
  }

  /** RFC 9449 section 11.1: each proof is accepted once. After a loss of marks the used proofs are unknown. */
  async #prove(party: Party, proofs: readonly string[]): Promise<string> {
    const now = this.#clock();
    const request = { method: 'POST', addresses: [this.#tokenEndpoint], now };
    const { jkt, mark, iat, until } = await verifyProof(proofs, request);
    // One second more, for a process that shares the store and whose clock is a little behind.
    const seconds = timeToLive(until, now, 1);
    if (!(await this.#store.markOnce('proof', mark, seconds, nameOf(party))))
      throw refused('it was used before; each request needs a new one');
    const since = this.#store.marksSince();
    if (iat >= since) return jkt;
    throw refused(`it is too old: ${describeLostMarks('proofs', since)}; make a new one`);
  }
}

function refused(reason: string): WaybillError<'invalid_dpop_proof'> {
  return new WaybillError('invalid_dpop_proof', `the DPoP proof is not accepted: ${reason}`);
}

function whyNot(party: Party): string {
  return party.kind === 'service'
    ? 'the tokens of services name their presenter and are not bound to a key'
    : 'its tokens are bound to its certificate';
}

function requireCertificate(certificate: X509Certificate | undefined): X509Certificate {
  if (certificate && hasAcceptableKey(certificate)) return certificate;
  if (certificate)
    throw new WaybillError(
      'invalid_request',
      'The tokens of this client are bound to its certificate, whose key is too weak, too large or of a kind that is not accepted.',
    );
  throw new WaybillError(
    'invalid_request',
    'The tokens of this client are bound to its certificate, and the connection has none (RFC 8705 section 3).',
  );
}
