import { expect } from 'chai';
import path from 'node:path';
import ts from 'typescript';

const ROOT = path.resolve(import.meta.dirname, '..');

/** Packages whose types a project of a user's need not have. */
const FOREIGN_TYPES = /\/node_modules\/@types\/(?!node\/)./;

/** Compiles a file in a strict project that checks libraries too, and has the types of Node alone. */
function compile(text: string, hidden = FOREIGN_TYPES): string[] {
  const options: ts.CompilerOptions = {
    strict: true,
    skipLibCheck: false,
    noEmit: true,
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    types: ['node'],
  };
  const file = path.join(ROOT, 'test', 'user.ts');
  const host = ts.createCompilerHost(options);
  const seen = { ...host };
  host.fileExists = (name) => name === file || (!hidden.test(name) && seen.fileExists(name));
  host.directoryExists = (name) => !hidden.test(`${name}/`) && seen.directoryExists!(name);
  host.readFile = (name) => (name === file ? text : seen.readFile(name));
  host.getSourceFile = (name, ...rest) =>
    name === file
      ? ts.createSourceFile(name, text, ts.ScriptTarget.ES2022)
      : seen.getSourceFile(name, ...rest);
  const diagnostics = ts.getPreEmitDiagnostics(ts.createProgram([file], options, host));
  return diagnostics.map(
    ({ file: where, messageText }) =>
      `${where?.fileName ?? ''}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
  );
}

describe('the declarations of the package', function () {
  this.timeout(60_000);

  it('need no types of Express', () => {
    expect(
      compile(`
        import { createServer } from 'node:http';
        import { createApp, compileGraph } from '../dist/index.js';
        import { extractor, gateway } from '../dist/middleware/index.js';
        export const all = [compileGraph, extractor, gateway];
        export const server = (options: Parameters<typeof createApp>[0]) => createServer(createApp(options));
      `),
    ).to.deep.equal([]);
  });

  it('make handlers of Express, and a typed request.waybill where the types of Express are there', () => {
    const program = (claim: string) => `
      import express from 'express';
      import { extractor, gateway } from '../dist/middleware/index.js';
      declare const options: Parameters<typeof extractor>[0];
      declare const edge: ReturnType<typeof gateway>;
      const app = express();
      app.use(edge.protect({ audience: 'https://a.example' }));
      app.get('/', extractor(options).protect({ scope: 'read' }), (request, response) => {
        const subject: string = request.waybill.claims.${claim};
        response.send(subject);
      });
    `;
    const nothing = /^$/;
    expect(compile(program('sub'), nothing)).to.deep.equal([]);
    expect(compile(program('exp'), nothing)).to.have.length(1);
  });
});
