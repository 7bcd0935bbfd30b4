/** Every way in which files change, followed by the real program: served, checked, explored. */
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';

import { compileGraph } from '../../../src/planning/compile.ts';
import { explore, serve, stopServing } from '../../support/program.ts';
import { send } from '../../support/http.ts';
import { removeScratch, scratchFile, scratchFolder } from '../../support/files.ts';

const MAIN = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
const env = { WEB_SECRET: 'web secret' };

const graph = (name: string): string => `waybill: 1
name: ${name}
issuer: { url: 'http://127.0.0.1:8080' }
defaults: { headers: { profile: node } }
clients:
  web: { auth: { method: client_secret_basic, secret_env: WEB_SECRET }, calls: { shop: [${name}] } }
services:
  shop: { scopes: { ${name}: {} } }
`;

/** @returns whether the program has loaded the current graph. */
type Shows = (paths: readonly string[]) => Promise<boolean>;

const programs: ReadonlyMap<string, (args: readonly string[]) => Promise<Shows>> = new Map([
  [
    'serve',
    async (args) => {
      const keys = path.join(scratchFolder(), 'keys.json');
      const { url } = await serve([...args, '--port', '0', '--keys', keys], { env });
      return async (paths) =>
        (await send(`${url}/readyz`)).body['graph'] === compileGraph(paths).plan?.digest;
    },
  ],
  [
    'check --watch',
    async (args) => {
      const child = spawn(process.execPath, [MAIN, 'check', '--watch', ...args], { stdio: 'pipe' });
      children.add(child);
      let text = '';
      child.stdout.setEncoding('utf8').on('data', (data: string) => (text += data));
      const lastSummary = () =>
        text.slice(0, text.lastIndexOf('Waiting for changes')).split('✓').at(-1) ?? '';
      while (!text.includes('Waiting for changes')) await pause(50);
      return async (paths) => {
        const { plan } = compileGraph(paths);
        return plan !== undefined && lastSummary().includes(`: ${[...scopesOf(paths)].join(' ')} of shop`);
      };
    },
  ],
  [
    'explore',
    async (args) => {
      const { url } = await explore(args);
      return async (paths) => {
        const data = (await (await fetch(`${url}data.json`)).text()).replaceAll('\\"', '"');
        return [...scopesOf(paths)].every((scope) => data.includes(`"${scope}"`)) && scopesOf(paths).size > 0;
      };
    },
  ],
]);

const children = new Set<ReturnType<typeof spawn>>();

function scopesOf(paths: readonly string[]): Set<string> {
  return new Set(
    [...(compileGraph(paths).plan?.services.values() ?? [])].flatMap(({ scopes }) => [...scopes.keys()]),
  );
}

/** As `ln -sfn` and git-sync: a link of another name takes the name. */
function point(link: string, target: string): void {
  const draft = `${link}.tmp~`;
  symlinkSync(target, draft);
  renameSync(draft, link);
}

for (const [program, start] of programs) {
  describe(`a graph that changes while waybill ${program} runs`, function () {
    this.timeout(120_000);
    afterEach(async () => {
      for (const child of children) child.kill('SIGKILL');
      children.clear();
      await stopServing();
    });
    after(removeScratch);

    const takesUp = async (shows: Shows, ...paths: readonly string[]): Promise<void> => {
      for (let i = 0; i < 200 && !(await shows(paths)); i += 1) await pause(100);
      expect(await shows(paths), `loads ${[...scopesOf(paths)].join()}`).to.equal(true);
    };

    /** Releases beside each other, and a link to one of them. */
    const releases = (): { readonly folder: string; readonly current: string } => {
      const folder = scratchFolder();
      for (const name of ['one', 'two', 'three'])
        scratchFile(`releases/${name}/graph.yaml`, graph(name), folder);
      const current = path.join(folder, 'current');
      point(current, 'releases/one');
      return { folder, current };
    };

    it('is loaded when a link to its folder changes and the old folder stays', async () => {
      const { current } = releases();
      const shows = await start([current]);
      for (const name of ['two', 'one', 'three']) {
        point(current, `releases/${name}`);
        await takesUp(shows, current);
      }
    });

    it('is loaded when a link in the path of its file changes, and when the file itself is a link', async () => {
      const { folder, current } = releases();
      const file = path.join(current, 'graph.yaml');
      const link = path.join(folder, 'link.yaml');
      point(link, 'current/graph.yaml');
      const shows = await start([program === 'serve' ? link : file]);
      for (const name of ['two', 'three', 'one']) {
        point(current, `releases/${name}`);
        await takesUp(shows, file);
      }
    });

    it('is loaded in its last version after rapid swaps like those of a ConfigMap', async () => {
      const folder = scratchFolder();
      const swap = (name: string): void => {
        scratchFile(`..${name}/graph.yaml`, graph(name), folder);
        point(path.join(folder, '..data'), `..${name}`);
      };
      swap('first');
      symlinkSync('..data/graph.yaml', path.join(folder, 'graph.yaml'));
      const shows = await start([folder]);
      for (let i = 0; i < 30; i += 1) {
        swap(`swap${i}`);
        if (i > 0 && i % 2 === 0) rmSync(path.join(folder, `..swap${i - 1}`), { recursive: true });
        await pause(160);
      }
      await takesUp(shows, folder);
      swap('after');
      await takesUp(shows, folder);
    });

    it('is loaded when its folder is removed and created again, and so are later changes in it', async () => {
      const folder = path.join(scratchFolder(), 'graphs');
      const file = scratchFile('shop.yaml', graph('before'), folder);
      const shows = await start([folder]);
      for (const name of ['again', 'once-more']) {
        rmSync(folder, { recursive: true });
        await pause(1_500);
        mkdirSync(folder);
        writeFileSync(file, graph(name));
        await takesUp(shows, folder);
      }
      writeFileSync(`${file}~`, graph('renamed'));
      renameSync(`${file}~`, file);
      await takesUp(shows, folder);
      const more = scratchFile(
        'below/more.yaml',
        'waybill: 1\nservices: { mail: { scopes: { send: {} } } }\n',
        folder,
      );
      if (program !== 'check --watch') await takesUp(shows, folder);
      rmSync(more);
      writeFileSync(file, graph('last'));
      await takesUp(shows, folder);
      expect(readdirSync(folder)).to.deep.equal(['below', 'shop.yaml']);
    });
  });
}
