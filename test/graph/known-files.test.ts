/** A graph that shares files with one that was read before is read as if it were alone. */
import { expect } from 'chai';
import path from 'node:path';
import { KnownFiles, type Plan } from '../../src/graph/index.ts';
import { compileDraft } from '../../src/planning/index.ts';
import { withFolder, type Files } from '../support/files.ts';

const head = `waybill: 1
name: shop
issuer: { url: 'https://tokens.test' }
vars: { domain: shop.test }
defaults: { audience: 'https://{name}.\${domain}', headers: { profile: envoy } }
clients:
  web: { auth: { method: client_secret_basic, secret_env: WEB }, calls: { front: [read] } }
`;
const front = `waybill: 1
services: { front: { scopes: { read: { calls: { stock: [read] } } } } }
`;
const stock = `waybill: 1
services: { stock: { audience: 'https://stock.\${domain}', scopes: { read: {} } } }
`;
const files: Files = { 'graph.yaml': head, 'front.yaml': front, 'stock.yaml': stock };

/** A plan without places. */
function valuesOf(plan: Plan | undefined): unknown {
  const services = [...(plan?.services.values() ?? [])].map(({ name, audience, headers, scopes }) => {
    const calls = [...scopes.values()].map((scope) => scope.calls.map(({ callee, mode }) => [callee, mode]));
    return [name, audience, headers?.profile, calls];
  });
  return [plan?.digest, services];
}

function readAfter(
  first: Files,
  second: Files,
): { alone: unknown; after: unknown; file: string | undefined } {
  return withFolder(first, (one) =>
    withFolder(second, (other) => {
      const known = new KnownFiles();
      expect(compileDraft([one], {}, known).draft).to.not.equal(undefined);
      const after = compileDraft([other], {}, known).draft;
      const file = after?.services.get('front')?.source.file;
      return {
        alone: valuesOf(compileDraft([other]).draft),
        after: valuesOf(after),
        file: file?.startsWith(one + path.sep) ? 'first' : 'second',
      };
    }),
  );
}

describe('a graph that is read after another', () => {
  it('takes what both share from the first, with its places', () => {
    const { alone, after, file } = readAfter(files, {
      ...files,
      'stock.yaml': stock.replace('{}', '{ description: s }'),
    });
    expect(after).to.deep.equal(alone);
    expect(file).to.equal('first');
  });

  it('has its own defaults and variables', () => {
    for (const [from, to] of [
      ['profile: envoy', 'profile: nginx'],
      ['domain: shop.test', 'domain: other.test'],
    ] as const) {
      expect(head).to.include(from);
      const { alone, after } = readAfter(files, { ...files, 'graph.yaml': head.replace(from, to) });
      expect(after).to.deep.equal(alone);
      expect(after).to.not.deep.equal(readAfter(files, files).after);
    }
  });

  it('has its own errors, in its own files', () => {
    const { 'stock.yaml': _, ...others } = files;
    const [, second] = readBoth(files, others);
    expect(second?.draft).to.equal(undefined);
    expect(second?.findings.map(({ code, file }) => [code, path.basename(file)])).to.deep.include([
      'unknown-service',
      'front.yaml',
    ]);
    expect(second?.isOwn).to.equal(true);
  });

  it('has its own paths where owners have files', () => {
    const owned = Object.fromEntries(
      Object.entries(files).map(([name, text]) => [
        name,
        String(text).replaceAll(
          /: \{ (?=auth: \{ method|scopes: \{ read|audience: 'https:\/\/stock)/g,
          ': { owner: web, ',
        ),
      ]),
    );
    const [, second] = readBoth(owned, {
      ...owned,
      'owners.yaml': "waybill: 1\nowners: { web: ['*.yaml'] }\n",
    });
    expect(second?.findings).to.deep.equal([]);
    const [, third] = readBoth(owned, {
      ...owned,
      'owners.yaml': 'waybill: 1\nowners: { web: [front.yaml, graph.yaml] }\n',
    });
    expect(third?.findings.map(({ code }) => code)).to.include('owner-outside-path');
  });

  it('learns nothing from a graph with errors', () => {
    const wrong = {
      ...files,
      'front.yaml': front.replace('read: {', 'raed: [{').replace('} } } }', '}] } }'),
    };
    const both = readBoth(wrong, wrong);
    expect(both.map(({ draft }) => draft)).to.deep.equal([undefined, undefined]);
    expect(both[1]?.findings.map(({ code }) => code)).to.deep.equal(
      both[0]?.findings.map(({ code }) => code),
    );
    expect(both[1]?.findings).to.not.be.empty;
  });

  it('is judged by itself where an overlay mended the first', () => {
    const broken = head.replace('{ method: client_secret_basic, secret_env: WEB }', '{}');
    const overlay =
      'waybill: 1\noverlay: true\nclients: { web: { auth: { method: client_secret_basic, secret_env: WEB } } }\n';
    const [mended, alone] = withFolder({ ...files, 'graph.yaml': broken, 'prod.yaml': overlay }, (folder) => {
      const known = new KnownFiles();
      return [[folder, path.join(folder, 'prod.yaml')], [folder]].map((paths) =>
        compileDraft(paths, {}, known),
      );
    });
    expect(mended?.draft?.clients.get('web')?.auth.method).to.equal('client_secret_basic');
    expect(alone?.findings.map(({ code }) => code)).to.include('missing-key');
    expect(alone?.draft).to.equal(undefined);
  });

  it('has its own overlays, even where a file of the same text is one in the first', () => {
    const overlay = 'waybill: 1\noverlay: true\nservices: { stock: { lifetime: 1m } }\n';
    const lifetimes = withFolder({ ...files, 'env/prod.yaml': overlay }, (one) =>
      withFolder({ ...files, 'env/prod.yaml': overlay }, (other) => {
        const known = new KnownFiles();
        return [[one], [other, path.join(other, 'env/prod.yaml')], [one]].map(
          (paths) => compileDraft(paths, {}, known).draft?.services.get('stock')?.lifetime,
        );
      }),
    );
    expect(lifetimes).to.deep.equal([undefined, 60, undefined]);
  });
});

function readBoth(first: Files, second: Files) {
  return withFolder(first, (one) =>
    withFolder(second, (other) => {
      const known = new KnownFiles();
      return [one, other].map((folder) => {
        const read = compileDraft([folder], {}, known);
        return { ...read, isOwn: read.findings.every(({ file }) => file.startsWith(folder + path.sep)) };
      });
    }),
  );
}
