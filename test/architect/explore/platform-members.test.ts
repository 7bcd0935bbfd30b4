/**
 * The page compiles against Node's types, so the compiler accepts members of Buffer that the page's Buffer lacks. This
 * finds every member that code of the page can reach.
 */
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';
import ts from 'typescript';
import { build } from 'vite';

import { PageBuffer } from '../../../src/architect/explore/page/platform/buffer.ts';

const page = fileURLToPath(new URL('../../../src/architect/explore/page/', import.meta.url));
const config = path.join(page, 'tsconfig.json');

/** Members that `platform.test.ts` compares with Node's, and those that only allocate. */
const COMPARED = {
  members: [
    ...['alloc', 'allocUnsafe', 'allocUnsafeSlow', 'byteLength', 'concat', 'from'],
    ...['includes', 'reverse', 'subarray', 'toString', 'write', 'writeUInt32BE'],
  ],
  encodings: ['utf8', 'latin1', 'base64', 'base64url'],
  writtenAlone: 'hex',
};

const isWrittenAlone = (member: string, encoding: string): boolean =>
  member === 'toString' && encoding === COMPARED.writtenAlone;

interface Uses {
  readonly members: Set<string>;
  readonly encodings: Set<string>;
}

/** The code that the built page has of each module. */
async function codeOfPage(): Promise<ReadonlyMap<string, string>> {
  const built = await build({
    configFile: path.join(page, 'vite.config.ts'),
    logLevel: 'error',
    build: { write: false },
  });
  const outputs = [built].flat().flatMap((each) => ('output' in each ? each.output : []));
  const modules = outputs.flatMap((output) =>
    output.type === 'chunk' ? Object.entries(output.modules) : [],
  );
  return new Map(modules.map(([id, { code }]) => [id, code ?? '']));
}

/** Members that Node's types give Buffer, and names of encodings among their arguments. */
function usesOfBuffer(rendered: ReadonlyMap<string, string>): Uses {
  const { options, fileNames } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(config, (file) => ts.sys.readFile(file)).config,
    ts.sys,
    path.dirname(config),
  );
  const program = ts.createProgram(fileNames, options);
  const checker = program.getTypeChecker();
  const uses: Uses = { members: new Set(), encodings: new Set() };
  const isOfBuffer = (symbol: ts.Symbol | undefined): boolean =>
    symbol?.declarations?.some(
      ({ parent }) => ts.isInterfaceDeclaration(parent) && /^Buffer(?:Constructor)?$/.test(parent.name.text),
    ) ?? false;
  const visit = (node: ts.Node, code: string): void => {
    const isRendered = ts.isPropertyAccessExpression(node) && code.includes(`.${node.name.text}(`);
    if (isRendered && isOfBuffer(checker.getSymbolAtLocation(node.name))) {
      uses.members.add(node.name.text);
      if (ts.isCallExpression(node.parent))
        for (const each of node.parent.arguments)
          if (
            ts.isStringLiteral(each) &&
            Buffer.isEncoding(each.text) &&
            !isWrittenAlone(node.name.text, each.text)
          )
            uses.encodings.add(each.text);
    }
    ts.forEachChild(node, (child) => visit(child, code));
  };
  for (const file of program.getSourceFiles())
    if (!file.fileName.includes('/node_modules/')) visit(file, rendered.get(file.fileName) ?? '');
  return uses;
}

describe('the Buffer in the page', function () {
  this.timeout(240_000); // it builds and compiles the page

  it('uses only members and encodings that are compared with Node', async () => {
    const { members, encodings } = usesOfBuffer(await codeOfPage());
    expect([...members]).to.include.members(['from', 'toString', 'write']);
    expect([...members].filter((name) => !COMPARED.members.includes(name))).to.deep.equal([]);
    expect([...encodings].filter((name) => !COMPARED.encodings.includes(name))).to.deep.equal([]);
    const own = PageBuffer as unknown as Readonly<Record<string, unknown>>;
    const methods = PageBuffer.prototype as unknown as Readonly<Record<string, unknown>>;
    for (const name of members) expect(typeof (own[name] ?? methods[name]), name).to.equal('function');
  });
});
