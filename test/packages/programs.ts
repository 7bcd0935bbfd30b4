/** Programs of a user's: what is imported changes, what they do is the same. */

/** Reads an issuer and tokens for the service `shop` from the environment, and prints what it finds in each. */
const verify = `
const waybill = extractor({ issuer: process.env.ISSUER ?? '', audience: 'shop', caller: 'none' });
const found = async (token: string): Promise<string> => {
  const context: RequestContext = await waybill.authenticate({ authorization: 'Bearer ' + token });
  return context.claims.sub + ' ' + context.scopes.join(' ') + ' ' + (context.child('stock').length > 0);
};
const refused = async (token: string): Promise<string> =>
  found(token).catch((error: unknown) => (isWaybillError(error) ? error.code : 'another error'));
const tokens = (process.env.TOKENS ?? '').split(' ');
void Promise.all([...tokens.map(found), refused('none')]).then((lines) => {
  console.log(lines.join('; '));
});
`;

/** For tokens of \`sub\` web, nested and packed. */
export const FOUND = 'web order true; web order true; token_malformed';

export function typescript(name: string): string {
  return `import { extractor, isWaybillError, type RequestContext } from '${name}';\n${verify}`;
}

/** The same without types. */
export function esModule(name: string): string {
  return withoutTypes(typescript(name));
}

export function commonJs(name: string): string {
  return `const { extractor, isWaybillError } = require('${name}');\n${withoutTypes(verify)}`;
}

function withoutTypes(text: string): string {
  return text.replace(/, type \w+|: (?:string|unknown|RequestContext|Promise<string>)(?=[),]| =)/g, '');
}

/** Everything that a service uses, with Node's own types and none of Express. */
export function service(name: string): string {
  return `
import { createServer } from 'node:http';
import { extractor, gateway, refusal, type ExtractorOptions, type RequestContext } from '${name}';

const options: ExtractorOptions = { issuer: 'https://issuer.example', audience: 'shop', caller: 'none' };
const waybill = extractor(options);
const protect = waybill.protect({ scope: 'order' });
const edge = gateway({ issuer: options.issuer, credentials: { clientId: 'edge', secret: 'secret' } });
const swap = edge.protect({ audience: 'shop' });

createServer((request, response) => {
  protect(request, response, () => response.end());
  swap(request, response, (error?: unknown) => response.end(String(error)));
  const { authorization } = request.headers;
  waybill.authenticate({ authorization, scope: ['order'] }).then(
    async (context: RequestContext) => {
      const sub: string = context.claims.sub;
      const answer: Response = await context.fetch('https://stock.example/');
      response.end(sub + String(answer.status));
    },
    (error: unknown) => {
      const answer = refusal(error);
      if (answer) response.writeHead(answer.status, answer.headers).end(answer.body);
    },
  );
});
// @ts-expect-error -- \`caller\` has no default
extractor({ issuer: 'https://issuer.example', audience: 'shop' });
`;
}
