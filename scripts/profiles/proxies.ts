/** Configurations of proxies that say nothing of headers: a port, and the server behind. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { configuration, plain } from '../../test/support/nginx.ts';

export interface Configuration {
  readonly args: readonly string[];
  readonly remove: () => void;
}

function written(
  name: string,
  text: (folder: string) => string,
): { readonly file: string; readonly folder: string; readonly remove: () => void } {
  const folder = mkdtempSync(path.join(tmpdir(), 'waybill-profiles-'));
  const file = path.join(folder, name);
  writeFileSync(file, text(folder));
  return { file, folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

export function nginxConfiguration(port: number, upstream: number): Configuration {
  // One process: a worker lives on when its master is killed.
  const { file, folder, remove } = written(
    'nginx.conf',
    (own) => `master_process off;\n${configuration(own, plain(port, `http://127.0.0.1:${upstream}`))}`,
  );
  return { args: ['-e', 'stderr', '-p', folder, '-c', file], remove };
}

export function haproxyConfiguration(port: number, upstream: number): Configuration {
  const { file, remove } = written(
    'haproxy.cfg',
    () => `defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend measured
  bind 127.0.0.1:${port}
  default_backend behind
backend behind
  server behind 127.0.0.1:${upstream}
`,
  );
  return { args: ['-db', '-f', file], remove };
}

export function envoyConfiguration(port: number, upstream: number): Configuration {
  const address = (at: number) => ({ socket_address: { address: '127.0.0.1', port_value: at } });
  const manager = {
    '@type':
      'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    stat_prefix: 'measured',
    route_config: {
      virtual_hosts: [
        { name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'behind' } }] },
      ],
    },
    http_filters: [
      {
        name: 'router',
        typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
      },
    ],
  };
  const configuration = {
    static_resources: {
      listeners: [
        {
          name: 'measured',
          address: address(port),
          filter_chains: [{ filters: [{ name: 'http', typed_config: manager }] }],
        },
      ],
      clusters: [
        {
          name: 'behind',
          type: 'STATIC',
          load_assignment: {
            cluster_name: 'behind',
            endpoints: [{ lb_endpoints: [{ endpoint: { address: address(upstream) } }] }],
          },
        },
      ],
    },
  };
  const { file, remove } = written('envoy.json', () => JSON.stringify(configuration));
  return { args: ['-c', file, '--log-level', 'off', '--concurrency', '1', '--use-dynamic-base-id'], remove };
}
