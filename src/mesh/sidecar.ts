/**
 * What a sidecar decides, without any transport: which requests may reach the application, and with which token its calls
 * go out. It is built on the public extractor, as an application's own middleware would be.
 */
import type { X509Certificate } from 'node:crypto';

import { systemClock } from '../clock.ts';
import { WaybillError, isWaybillError } from '../errors.ts';
import {
  extractor,
  type Extractor,
  type ExtractorOptions,
  type PeerNames,
  type Refusal,
  type RequestContext,
} from '../middleware/index.ts';
import { headerForCall, type Call, type CalleeTable } from './callees.ts';
import { Handles } from './handles.ts';
import { identityHeaders, type HeaderLine } from './identity-headers.ts';
import { Metrics, type Direction } from './metrics.ts';
import { Operations, type OperationTable, type RequestLine } from './operations.ts';
import { refuse } from './refusal.ts';

export interface SidecarOptions {
  readonly extractor: ExtractorOptions;
  /** How a call is matched to the request that it belongs to: by the token that the application passes on, or by a handle. */
  readonly correlation: 'authorization' | 'handle';
  /** Most bytes of tokens that are held for handles. */
  readonly handleBytes: number;
  /** Whether the application gets all claims in `x-waybill-claims`. */
  readonly claimsHeader: boolean;
  /** Undefined: a good token is enough, whatever the request. */
  readonly operations: OperationTable | undefined;
  /** Operations that need no token. */
  readonly open: readonly string[];
  readonly callees: CalleeTable;
  /** Most checks at once; further ones are answered 503. */
  readonly maxRequests: number;
  /** `report`: what would be refused goes on, and is reported. Calls go on without a token then. Default: enforce. */
  readonly mode?: 'enforce' | 'report' | undefined;
  /** Told of every check. */
  readonly onDecision: (decision: DecisionReport) => void;
}

/** Who sends a request: the verified certificate, or the names in it. */
export interface PresentedPeer {
  readonly certificate?: X509Certificate | undefined;
  readonly peer?: PeerNames | undefined;
}

/** A request to the application. */
export interface InboundRequest extends RequestLine, PresentedPeer {
  /** All lines of the header. */
  readonly authorization: readonly string[];
  readonly dpop: readonly string[];
}

/** A call of the application. */
export interface OutboundCall extends Call {
  readonly authorization: readonly string[];
}

export interface Allowed {
  readonly refused?: undefined;
  /** Replaces what the request has under this name; undefined: the request goes on without the header. */
  readonly authorization: string | undefined;
  /** Set in place of every `x-waybill-` header of the request. */
  readonly identity: readonly HeaderLine[];
  /** Of a call: that of the callee's audience, where the host belongs to one. */
  readonly scheme?: 'http' | 'https' | undefined;
}

export type Decision = Allowed | { readonly refused: Refusal };

/** For logs. It holds no token. */
export interface DecisionReport {
  readonly direction: Direction;
  /** `allowed`, or why not. */
  readonly code: string;
  /** Set where `code` is that of a refusal, and the request went on. */
  readonly reported?: true;
  readonly txn: string | undefined;
  /** The host that was to be called. */
  readonly host: string | undefined;
  /** Absent for an allowed request. */
  readonly reason?: string | undefined;
  /** For the operator: who presented a token, what went wrong in the sidecar. */
  readonly detail?: string | undefined;
}

/** What is decided on. */
interface Asked {
  readonly direction: Direction;
  readonly host?: string;
  /** How the request goes on where its refusal is only reported. */
  readonly unverified: Allowed;
}

/** What was found out before a decision, for its report. */
interface Found {
  txn?: string;
  scope?: readonly string[];
}

export class Sidecar {
  readonly metrics: Metrics;
  readonly extractor: Extractor;
  readonly #options: SidecarOptions;
  readonly #handles: Handles | undefined;
  readonly #operations: Operations | undefined;
  readonly #open: Operations;
  readonly #callees: ReadonlyMap<string, string>;

  /** @throws WaybillError `usage` */
  constructor(options: SidecarOptions) {
    const { correlation, handleBytes, operations, open, callees } = options;
    const clock = options.extractor.clock ?? systemClock;
    this.extractor = extractor(options.extractor);
    this.#options = options;
    this.#handles = correlation === 'handle' ? new Handles(clock, handleBytes) : undefined;
    const handles = this.#handles;
    this.metrics = new Metrics(handles && (() => handles.state));
    this.#operations = operations && new Operations(operations);
    this.#open = new Operations({ open });
    this.#callees = new Map(Object.entries(callees).map(([host, callee]) => [host.toLowerCase(), callee]));
  }

  /** Whether the header of an accepted request is replaced before the application sees it. */
  get replacesInbound(): boolean {
    return this.#handles !== undefined;
  }

  /** In which a proxy before this one names the certificates of its peers, in lower case. */
  get certificateHeader(): string | undefined {
    return this.#options.extractor.clientCertHeader?.toLowerCase();
  }

  /** Whether a request may reach the application. Never throws. */
  inbound(request: InboundRequest): Promise<Decision> {
    const [own, ...more] = request.authorization;
    const unverified = { authorization: more.length === 0 ? own : undefined, identity: [] };
    return this.#decide({ direction: 'inbound', unverified }, async (found) => {
      if (this.#isOpen(request)) return { authorization: undefined, identity: [] };
      const context = await this.#authenticate(request, found);
      const [line = ''] = request.authorization;
      const authorization = this.#handles?.headerFor(line, context.claims.exp) ?? line;
      return { authorization, identity: identityHeaders(context, this.#options.claimsHeader) };
    });
  }

  /** With which token a call of the application goes out. Never throws. */
  outbound(call: OutboundCall): Promise<Decision> {
    const unverified = { authorization: undefined, identity: [] };
    return this.#decide({ direction: 'outbound', host: call.host, unverified }, async (found) => {
      const context = await this.extractor.resume({ authorization: this.#received(call.authorization) });
      found.txn = context.claims.txn;
      return { ...(await headerForCall(context, call, this.#callees)), identity: [] };
    });
  }

  /** The answer to a request that the proxy cannot pass on; it is counted and reported. Never throws. */
  notForwarded(direction: Direction, host: string | undefined, error: unknown): Refusal {
    const refused = refuse(error);
    this.metrics.countNotForwarded(direction, refused.code);
    this.#options.onDecision({ direction, code: refused.code, txn: undefined, host, ...reasonsOf(error) });
    return refused;
  }

  /** Without `open` no path is looked at, so that none is ambiguous. */
  #isOpen(request: InboundRequest): boolean {
    return this.#options.open.length > 0 && this.#open.scopesFor(request).length > 0;
  }

  async #authenticate(request: InboundRequest, found: Found): Promise<RequestContext> {
    const { authorization, dpop, method, url, certificate, peer } = request;
    const listed = this.#operations?.scopesFor(request);
    const shown = { authorization, dpop, method, url, certificate, peer };
    const context = await this.extractor.authenticate(shown);
    found.txn = context.claims.txn;
    if (listed === undefined) return context;
    if (listed.length === 0)
      throw new WaybillError('operation_unlisted', 'no scope allows this operation: it is not listed');
    found.scope = listed.slice(0, 1);
    if (!listed.some((scope) => context.scopes.includes(scope)))
      throw new WaybillError('scope_insufficient', `the token lacks the scope ${listed.join(' or ')}`);
    return context;
  }

  /** The header of the request that a call belongs to. */
  #received(authorization: readonly string[]): readonly string[] {
    if (this.#handles === undefined) return authorization;
    const [line, ...more] = authorization;
    if (line === undefined)
      throw new WaybillError(
        'token_missing',
        'the call has no Authorization header with the handle of its request',
      );
    if (more.length > 0)
      throw new WaybillError('token_repeated', 'the call has more than one Authorization header');
    const received = this.#handles.resolve(line);
    if (received !== undefined) return [received];
    throw new WaybillError(
      'handle_unknown',
      'the call has no handle that is known here: its token has expired, memory was full, or another process gave it out',
    );
  }

  async #decide(
    { direction, host, unverified }: Asked,
    decide: (found: Found) => Promise<Allowed>,
  ): Promise<Decision> {
    const found: Found = {};
    const isFull = this.metrics.running >= this.#options.maxRequests;
    const end = this.metrics.begin(direction);
    try {
      if (isFull) throw new WaybillError('overloaded', 'the sidecar checks as many requests as it may');
      const allowed = await decide(found);
      end('allowed');
      this.#options.onDecision({ direction, code: 'allowed', txn: found.txn, host });
      return allowed;
    } catch (error) {
      const refused = refuse(error, found.scope);
      const { code } = refused;
      const report = { direction, code, txn: found.txn, host, ...reasonsOf(error) };
      if (this.#options.mode !== 'report' || ALWAYS_REFUSED.has(code)) {
        end(code);
        this.#options.onDecision(report);
        return { refused };
      }
      end('allowed');
      this.metrics.countReported(direction, code);
      this.#options.onDecision({ ...report, reported: true });
      return unverified;
    }
  }
}

/** Also where refusals are only reported: no token would have helped. */
const ALWAYS_REFUSED: ReadonlySet<string> = new Set(['usage', 'overloaded', 'server_error']);

function reasonsOf(error: unknown): Pick<DecisionReport, 'reason' | 'detail'> {
  if (isWaybillError(error)) return { reason: error.message, detail: error.detail };
  return { reason: 'the sidecar failed', detail: error instanceof Error ? error.stack : String(error) };
}
