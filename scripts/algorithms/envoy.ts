/** Envoy's `jwt_authn`, as it comes: a real Envoy has the keys of all samples, and is sent each token. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { hasEnvoy, startEnvoy, type Bootstrap, type Json } from '../bench/mesh/envoy.ts';
import { endAll } from '../demo/processes.ts';
import type { Sample } from './samples.ts';

const ACCEPTED = 200;
const REFUSED = 401;

/** @returns a line for each sample, or why there is none. */
export async function envoyVerdicts(samples: readonly Sample[]): Promise<string[]> {
  if (!hasEnvoy()) return ['skipped envoy: neither on the PATH nor named by WAYBILL_ENVOY'];
  const folder = mkdtempSync(path.join(tmpdir(), 'waybill-algorithms-'));
  try {
    const { ports } = await startEnvoy('envoy', verifying(samples), folder);
    const url = `http://127.0.0.1:${ports[0]}/`;
    const lines: string[] = [];
    for (const { name, token } of samples) {
      if (await isAccepted(url, unsigned(token))) throw new TypeError(`envoy does not verify ${name}`);
      lines.push(`envoy ${name} ${(await isAccepted(url, token)) ? 'accepted' : 'refused'}`);
    }
    return lines;
  } finally {
    await endAll();
    rmSync(folder, { recursive: true });
  }
}

/** The same token with a signature of zeros, as long as the true one. */
function unsigned(token: string): string {
  const signed = token.slice(0, token.lastIndexOf('.') + 1);
  return signed.padEnd(token.length, 'A');
}

async function isAccepted(url: string, token: string): Promise<boolean> {
  const { status } = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
  if (status !== ACCEPTED && status !== REFUSED) throw new TypeError(`envoy answered ${status}`);
  return status === ACCEPTED;
}

/** What is verified has its answer at once. A key is for its own algorithm: its `alg` says so. */
function verifying(samples: readonly Sample[]): Bootstrap {
  const keys = [...new Set(samples.map(({ jwk }) => jwk))];
  const filter = typed('http.jwt_authn', 'filters.http.jwt_authn.v3.JwtAuthentication', {
    providers: { samples: { audiences: ['a'], local_jwks: { inline_string: JSON.stringify({ keys }) } } },
    rules: [{ match: { prefix: '/' }, requires: { provider_name: 'samples' } }],
  });
  const manager = typed(
    'network.http_connection_manager',
    'filters.network.http_connection_manager.v3.HttpConnectionManager',
    {
      stat_prefix: 'samples',
      http_filters: [filter, typed('http.router', 'filters.http.router.v3.Router', {})],
      route_config: {
        virtual_hosts: [
          {
            name: 'samples',
            domains: ['*'],
            routes: [{ match: { prefix: '/' }, direct_response: { status: ACCEPTED } }],
          },
        ],
      },
    },
  );
  const address = { socket_address: { address: '127.0.0.1', port_value: 0 } };
  const listener = { name: 'samples', address, filter_chains: [{ filters: [manager] }] };
  return { static_resources: { listeners: [listener], clusters: [] } };
}

function typed(filter: string, type: string, config: Json): Json {
  const typed_config = { '@type': `type.googleapis.com/envoy.extensions.${type}`, ...config };
  return { name: `envoy.filters.${filter}`, typed_config };
}
