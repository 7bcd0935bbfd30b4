import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';

import { expect } from 'chai';

import { graphFiles } from '../../src/graph/index.ts';
import { listFiles, listFilesSync, type ListingFaults } from '../../src/graph/load/list-files.ts';
import { removeScratch, scratchFile, scratchFolder } from '../support/files.ts';

describe('The files of a graph', () => {
  after(removeScratch);

  /** The result of both ways of listing, which must be equal. */
  async function listed(paths: readonly string[]): Promise<{ files: string[]; faults: string[] }> {
    const heard = (faults: string[]): ListingFaults => ({
      unreadable: (at, error) => faults.push(`${(error as NodeJS.ErrnoException).code} ${at}`),
      empty: (at) => faults.push(`empty ${at}`),
    });
    const [faults, same]: [string[], string[]] = [[], []];
    const files = await listFiles(paths, heard(faults));
    expect(listFilesSync(paths, heard(same))).to.deep.equal(files);
    expect(same).to.deep.equal(faults);
    return { files, faults };
  }

  it('are listed alike for reading and for change checks: links, hidden names, pipes and folder cycles', async () => {
    const folder = scratchFolder();
    const at = (name: string): string => path.join(folder, name);
    for (const name of [
      'b.yaml',
      'a/c.yml',
      'a/deep/d.yaml',
      '.hidden/x.yaml',
      '.x.yaml',
      'x.txt',
      'a/prod.vars.yaml',
      'stage.vars.yml',
      'of/z.yaml',
    ])
      scratchFile(name, '', folder);
    mkdirSync(at('folder.yaml'));
    symlinkSync('b.yaml', at('link.yaml'));
    symlinkSync('nowhere', at('loose.yaml'));
    symlinkSync('circle.yaml', at('circle.yaml'));
    symlinkSync('..', at('a/up'));
    symlinkSync('..', at('a/up.yaml'));
    spawnSync('mkfifo', [at('pipe.yaml')]);
    const { files, faults } = await listed([folder, at('b.yaml')]);
    const names = [
      'a/c.yml',
      'a/deep/d.yaml',
      'b.yaml',
      'circle.yaml',
      'link.yaml',
      'loose.yaml',
      'of/z.yaml',
    ];
    expect(files).to.deep.equal(names.map(at));
    expect(faults).to.deep.equal([]);
    expect(await graphFiles([folder])).to.deep.equal(files);
  });

  it('are not those with tests of it, which lie in its folders, are named, or lie beside a named file', async () => {
    const folder = scratchFolder();
    const at = (name: string): string => path.join(folder, name);
    for (const name of ['shop.yaml', 'shop.test.yaml', 'a/b.test.yml', 'a/test.yaml', 'c.test.yaml.txt'])
      scratchFile(name, '', folder);
    const tests = (...paths: string[]): string[] =>
      listFilesSync(paths, { unreadable: () => undefined, empty: () => undefined }, 'tests');
    expect((await listed([folder])).files).to.deep.equal(['a/test.yaml', 'shop.yaml'].map(at));
    expect(await listed([at('shop.test.yaml')])).to.deep.equal({ files: [], faults: [] });
    expect(tests(folder)).to.deep.equal(['a/b.test.yml', 'shop.test.yaml'].map(at));
    expect(tests(at('shop.yaml'))).to.deep.equal([at('shop.test.yaml')]);
    expect(tests(at('a/b.test.yml'), at('a/test.yaml'), at('c.test.yaml.txt'))).to.deep.equal([
      at('a/b.test.yml'),
    ]);
  });

  it('are reported if they are missing', async () => {
    const folder = scratchFolder();
    const gone = path.join(folder, 'gone');
    const { files, faults } = await listed([gone, folder]);
    expect(files).to.deep.equal([]);
    expect(faults).to.deep.equal([`ENOENT ${gone}`, `empty ${folder}`]);
    expect(await graphFiles([gone, folder])).to.deep.equal([]);
  });
});
