/**
 * oidc-provider, as one would set it up to issue what Waybill's token endpoint issues: JWT access tokens for
 * client_credentials, ES256, to a client with `client_secret_basic`. Arguments: the client's name, its secret, a scope,
 * the audience.
 */
import { generateKeyPairSync } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider from 'oidc-provider';

const LIFETIME = 300; // seconds, as Online Boutique's graph has it
const [client_id, client_secret, scope, audience] = process.argv.slice(2);

let answer: RequestListener = (_request, response) => void response.writeHead(503).end();
const server = createServer((request, response) => answer(request, response));
server.listen(0, '127.0.0.1', () => {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const callback = new Provider(url, settings()).callback();
  answer = (request, response) => void callback(request, response);
  console.log(`listening on ${url}`);
});

function settings(): object {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    clients: [
      {
        client_id,
        client_secret,
        grant_types: ['client_credentials'],
        response_types: [],
        redirect_uris: [],
        token_endpoint_auth_method: 'client_secret_basic',
        id_token_signed_response_alg: 'ES256',
      },
    ],
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: 'oidc-key', alg: 'ES256', use: 'sig' }] },
    scopes: [scope],
    cookies: { keys: ['signs cookies'] },
    ttl: { ClientCredentials: LIFETIME },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => audience,
        getResourceServerInfo: () => ({
          scope,
          audience,
          accessTokenFormat: 'jwt',
          accessTokenTTL: LIFETIME,
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
  };
}
