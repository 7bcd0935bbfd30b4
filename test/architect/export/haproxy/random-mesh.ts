/** Random graphs behind one real HAProxy in each mode, which has frontends for every service of all of them. */
import { createPublicKey, type JsonWebKey } from 'node:crypto';

import { EXPORT_MODES, haproxyConfig, type ExportMode } from '../../../../src/architect/export/index.ts';
import { planOf } from '../../../support/compile.ts';
import { scratchFile } from '../../../support/files.ts';
import { startHaproxy, type Haproxy } from '../../../support/haproxy.ts';
import { freePort } from '../../../support/http.ts';
import type { Signer } from '../../../support/keys/signer.ts';
import { startEcho } from '../envoy/random-mesh.ts';
import type { ExportedService } from '../random/grants.ts';
import { randomGraph, type Random } from '../random/random-graph.ts';

/** Ports of loopback, by mode. */
export interface MeshService extends ExportedService {
  readonly inbound: Readonly<Record<ExportMode, number>>;
  /** None for a service that calls nobody with a token. */
  readonly outbound: Readonly<Partial<Record<ExportMode, number>>>;
}

export interface Mesh {
  readonly services: readonly MeshService[];
  readonly proxies: Readonly<Record<ExportMode, Haproxy>>;
}

export async function startMesh(
  random: Random,
  graphs: number,
  issuer: { readonly url: string; readonly signer: Signer },
): Promise<Mesh> {
  const address = { host: '127.0.0.1', port: await startEcho() };
  const key = createPublicKey({ key: issuer.signer.publicJwk as JsonWebKey, format: 'jwk' });
  const keyFiles = [scratchFile('issuer.pem', key.export({ type: 'spki', format: 'pem' }).toString())];
  const plans = Array.from({ length: graphs }, (_, number) =>
    planOf(randomGraph(random, number, issuer.url)),
  );
  const services = new Map<string, MeshService>();
  const proxies = new Map<ExportMode, Haproxy>();
  for (const mode of EXPORT_MODES) {
    const sections = new Set<string>();
    const listening: number[] = [];
    for (const plan of plans) {
      const addresses = new Map([...plan.services.keys()].map((name) => [name, address]));
      for (const name of plan.services.keys()) {
        const [inbound, outbound] = [await freePort(), await freePort()];
        const at = (port: number) => ({ host: '127.0.0.1', port });
        const exported = haproxyConfig(plan, {
          ...{ only: [name], application: address, addresses, keyFiles, mode },
          ...{ inbound: at(inbound), outbound: at(outbound) },
        });
        const text = exported.services.get(name)!;
        for (const section of sectionsOf(text, `${plan.name}-${name}`)) sections.add(section);
        const calls = text.includes('frontend waybill-outbound');
        listening.push(inbound, ...(calls ? [outbound] : []));
        const id = `${plan.name} ${name}`;
        const known = services.get(id);
        services.set(id, {
          ...{ plan, name, notes: exported.notes },
          inbound: { ...(known?.inbound ?? { enforce: 0, report: 0 }), [mode]: inbound },
          outbound: { ...known?.outbound, ...(calls ? { [mode]: outbound } : {}) },
        });
      }
    }
    proxies.set(mode, await startHaproxy(`${[...sections].join('\n\n')}\n`, listening));
  }
  return { services: [...services.values()], proxies: Object.fromEntries(proxies) as Mesh['proxies'] };
}

/** Under names of their own, and in plain HTTP: that TLS is right is another test's affair. */
function sectionsOf(text: string, id: string): string[] {
  return text
    .split('\n\n')
    .map((section) => section.replace(/^#.*\n/gm, '').trimEnd())
    .map((section) =>
      section
        .replace(/\bwaybill-(inbound|outbound|application|callee)\b/g, `${id}-$1`)
        .replace(/^( +(?:bind|server) .*?) ssl .*$/gm, '$1'),
    )
    .filter((section) => section !== '');
}
