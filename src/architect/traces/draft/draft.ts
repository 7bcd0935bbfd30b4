/** A graph that is about to be written: plain data, names legal, every remark beside what it is about. */
export interface Draft {
  readonly clients: readonly DraftClient[];
  readonly services: readonly DraftService[];
  /** Bounds that the trees break where they are not raised. */
  readonly limits: { readonly tokens?: number; readonly depth?: number };
}

export interface DraftClient {
  readonly name: string;
  readonly remarks: readonly string[];
  readonly calls: readonly DraftCall[];
}

export interface DraftService {
  readonly name: string;
  readonly remarks: readonly string[];
  /** It fetches a token on demand. */
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
  /** 1: always, or nobody knows. */
  readonly probability: number;
  remark: string;
}
