/** A graph in which every service calls the next one, and nothing else. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Lineage } from '../../src/graph/index.ts';
import { compileGraph, type Compiled } from '../../src/planning/compile.ts';

const NAMES = [
  'gateway',
  'orders',
  'pricing',
  'discounts',
  'loyalty',
  'members',
  'consent',
  'regions',
  'calendar',
  'archive',
];

export function compiledChain(lineage: Lineage = 'caller'): Compiled {
  const folder = mkdtempSync(path.join(tmpdir(), 'waybill-chain-'));
  try {
    const file = path.join(folder, 'chain.yaml');
    writeFileSync(file, graph(lineage));
    return compileGraph([file]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** JSON is YAML too. */
function graph(lineage: Lineage): string {
  const services = NAMES.map((name, i) => {
    const next = NAMES[i + 1];
    return [
      name,
      { scopes: { [`${name}:read`]: next === undefined ? {} : { calls: { [next]: [`${next}:read`] } } } },
    ];
  });
  return JSON.stringify({
    waybill: 1,
    name: 'chain-of-ten',
    issuer: { url: 'https://id.corp.example', lineage },
    defaults: {
      audience: 'https://{name}.corp.example',
      identity: 'spiffe://corp.example/{name}',
      headers: { max_line: '64KiB' },
    },
    clients: {
      portal: {
        auth: { method: 'client_secret_basic', secret_env: 'PORTAL_SECRET' },
        default_scopes: ['gateway:read'],
        calls: { gateway: ['gateway:read'] },
      },
    },
    services: Object.fromEntries(services) as object,
  });
}
