/** An entry of `operations` that is HTTP: `POST /cart/checkout`, `ANY /hub`, or `/package.Service/Method` of gRPC. */
export interface HttpOperation {
  /** Absent: any. */
  readonly method: string | undefined;
  /** Begins with a slash; `{name}` is one segment, `*` matches anything. */
  readonly path: string;
}

const WRITTEN = /^(?:([A-Z]+) )?(\/[!$&-;=@-_a-z{}~]*)$/;
const GRPC = /^\/[A-Za-z_][\w.]*\.[A-Za-z_]\w*\/[A-Za-z_]\w*$/;
/** Parameters, also those that are part of a segment. Braces left after removing them are not a template. */
const TEMPLATE = /\{[^{}/]*\}/g;

/** @returns undefined if it is not HTTP: a topic, a method of another protocol, a tool. */
export function readOperation(text: string): HttpOperation | undefined {
  const [, method, path] = WRITTEN.exec(text) ?? [];
  if (path === undefined || /[{}]/.test(path.replaceAll(TEMPLATE, ''))) return undefined;
  // gRPC over HTTP/2 always uses POST; a plain route has no package before a dot.
  if (method === undefined) return { method: GRPC.test(path) ? 'POST' : undefined, path };
  return { method: method === 'ANY' ? undefined : method, path };
}
