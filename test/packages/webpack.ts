/** Bundles a program of a user's with webpack. */
import { readFileSync } from 'node:fs';
import path from 'node:path';

import webpack from 'webpack';

/** @returns the bundle; an error or a warning of webpack throws. */
export async function bundleWithWebpack(
  folder: string,
  entry: string,
  rules: readonly webpack.RuleSetRule[] = [],
): Promise<string> {
  const output = path.join(folder, 'bundled', entry);
  const compiler = webpack({
    entry: path.join(folder, entry),
    mode: 'production',
    target: 'node20',
    module: { rules: [...rules] },
    output: { path: output, filename: 'main.cjs' },
    optimization: { minimize: false },
  });
  const stats = await new Promise<webpack.Stats | undefined>((resolve, reject) => {
    compiler.run((error, result) => {
      if (error) reject(error);
      else resolve(result);
    });
  });
  const { errors = [], warnings = [] } = stats?.toJson({ errors: true, warnings: true }) ?? {};
  const messages = [...errors, ...warnings].map(({ message }) => message);
  if (messages.length > 0) throw new Error(messages.join('\n'));
  return readFileSync(path.join(output, 'main.cjs'), 'utf8');
}
