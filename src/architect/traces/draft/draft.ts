/** A graph before it is written: plain data with legal names, each remark next to what it describes. */
export interface Draft {
  readonly clients: readonly DraftClient[];
  readonly services: readonly DraftService[];
  /** `issuer.limits` that must be raised, or the trees would exceed them. */
  readonly limits: { readonly tokens?: number; readonly depth?: number };
}

export interface DraftClient {
  readonly name: string;
  /** Whether it stands for callers from outside, which the source does not name. */
  readonly isUnnamed: boolean;
  readonly remarks: readonly string[];
  readonly calls: readonly DraftCall[];
}

export interface DraftService {
  readonly name: string;
  readonly remarks: readonly string[];
  /** Whether it fetches tokens, and so needs `auth`. */
  authenticates: boolean;
  readonly calls: DraftCall[];
  readonly scopes: readonly DraftScope[];
}

export interface DraftScope {
  readonly name: string;
  readonly remarks: string[];
  readonly operations: readonly string[];
  readonly calls: DraftCall[];
}

export interface DraftCall {
  readonly callee: string;
  readonly scopes: readonly string[];
  mode: 'embed' | 'exchange' | 'none';
  /** 1: always, or unknown. */
  readonly probability: number;
  remark: string;
}
