/** SWC as the compiler of a project: it sees one file at a time and no types. */
import { createRequire } from 'node:module';

import { transform } from '@swc/core';

const SWC = createRequire(import.meta.url).resolve('@swc/core');
const TARGET = 'es2020';

/** @returns the program in JavaScript. */
export async function transformWithSwc(program: string, type: 'es6' | 'commonjs'): Promise<string> {
  const { code } = await transform(program, {
    configFile: false,
    swcrc: false,
    jsc: { parser: { syntax: 'typescript' }, target: TARGET },
    module: { type },
  });
  return code;
}

/** The source of a loader for webpack, which leaves imports to webpack. */
export const swcLoader = `
const { transform } = require(${JSON.stringify(SWC)});

module.exports = function (source) {
  const done = this.async();
  const syntax = /ts$/.test(this.resourcePath) ? 'typescript' : 'ecmascript';
  const jsc = { parser: { syntax }, target: '${TARGET}' };
  transform(source, { filename: this.resourcePath, configFile: false, swcrc: false, jsc }).then(
    ({ code }) => done(null, code),
    done,
  );
};
`;
