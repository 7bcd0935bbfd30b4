/** An entry of `operations` as HTTP has it: `POST /cart/checkout`, `ANY /hub`, or `/package.Service/Method` of gRPC. */
export interface HttpOperation {
  /** Absent: any. */
  readonly method: string | undefined;
  /** From the slash on; `{name}` is one segment, `*` whatever stands there. */
  readonly path: string;
}

const WRITTEN = /^(?:([A-Z]+) )?(\/[!$&-;=@-_a-z{}~]*)$/;
const GRPC = /^\/[A-Za-z_][\w.]*\.[A-Za-z_]\w*\/[A-Za-z_]\w*$/;
/** What only looks like a part of a path: a parameter that is not a whole segment, and braces of none. */
const TEMPLATE = /\{[^{}/]*\}/g;

/** @returns nothing for what is no HTTP: a topic, a method of another protocol, a tool. */
export function readOperation(text: string): HttpOperation | undefined {
  const [, method, path] = WRITTEN.exec(text) ?? [];
  if (path === undefined || /[{}]/.test(path.replaceAll(TEMPLATE, ''))) return undefined;
  // gRPC is always POST (its protocol over HTTP/2 says so); a route of HTTP has no package before a dot.
  if (method === undefined) return { method: GRPC.test(path) ? 'POST' : undefined, path };
  return { method: method === 'ANY' ? undefined : method, path };
}
