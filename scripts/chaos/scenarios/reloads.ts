/** The graph changes, in each way in which files are replaced: a client gains a scope and loses it again. */
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Scenario } from '../scenario.ts';
import { graph } from '../shop.ts';
import { ChaosFailed } from '../until.ts';

const EXTRA = 'extra';

/** @param folder of the graph file. @param name of a folder that did not exist yet. */
type Replace = (folder: string, file: string, text: string, name: string) => void;

const WAYS: Readonly<Record<string, Replace>> = {
  rename(folder, file, text) {
    writeFileSync(`${folder}.next`, text);
    renameSync(`${folder}.next`, path.join(folder, file));
  },
  // As Kubernetes does it with a ConfigMap.
  'link swap'(folder, file, text, name) {
    mkdirSync(path.join(folder, name));
    writeFileSync(path.join(folder, name, file), text);
    symlinkSync(name, path.join(folder, '..next'));
    renameSync(path.join(folder, '..next'), path.join(folder, '..data'));
    rmSync(path.join(folder, file));
    symlinkSync(path.join('..data', file), path.join(folder, file));
  },
  'folder replacement'(folder, file, text) {
    rmSync(folder, { recursive: true });
    mkdirSync(folder);
    writeFileSync(path.join(folder, file), text);
  },
};

export const reloads: Scenario = {
  name: 'reloads',
  promise:
    'Every change is picked up, however the files are replaced. A withdrawn scope is no longer issued once the log reports the change.',
  needs: ['redis-server'],
  errors: [],
  async run(stage) {
    const folder = path.join(stage.folder, 'live');
    const file = 'graph.yaml';
    mkdirSync(folder);
    const text = (extra: boolean): string => graph({ ...stage.graphParts, extra });
    writeFileSync(path.join(folder, file), text(false));
    const issuer = await stage.issuer({ store: await stage.redis(), graph: path.join(folder, file) });
    const load = stage.load();
    const times = stage.times(9, 200);
    for (let time = 0; time < times; time += 1) {
      const [way = '', replace = WAYS['rename']] = Object.entries(WAYS)[time % 3] ?? [];
      const extra = time % 2 === 0;
      const before = issuer.logged('reloaded').length;
      await stage.inject(
        `${way} (change ${time + 1})`,
        () => replace?.(folder, file, text(extra), `..${time}`),
        () => {
          const reload = issuer.logged('reloaded').slice(before).at(-1);
          return reload && reload['before'] !== reload['now']
            ? 'each change has its line in the log'
            : undefined;
        },
      );
      if (extra && (await stage.shopper.issue(stage.lane, EXTRA)) === undefined)
        throw new ChaosFailed(`a scope that was added by ${way} is not issued`);
      if (!extra) for (let again = 0; again < 3; again += 1) await stage.shopper.askInVain(stage.lane, EXTRA);
    }
    await load.more(50);
    await load.stop();
    await stage.tryAll();
    await stage.endWell(issuer);
    return `${times} changes followed: ${Object.keys(WAYS).join(', ')}`;
  },
};
