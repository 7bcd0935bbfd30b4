/** The built page, read once: markup, script and style sheet. */
import { readFileSync } from 'node:fs';
import { usageError } from '../../errors.ts';

export interface PageFiles {
  /** Contains `DATA_MARK`, which a static site replaces by its data. */
  readonly html: string;
  readonly script: string;
  readonly style: string;
  /** Licences of the libraries in the script. */
  readonly licenses: string;
}

export const DATA_MARK = '<!-- data -->';

/** @throws WaybillError `usage` if the package was built without the page. */
export function pageFiles(): PageFiles {
  const read = (name: string): string => readFileSync(new URL(`./page/${name}`, import.meta.url), 'utf8');
  try {
    return {
      html: read('index.html'),
      script: read('page.js'),
      style: read('page.css'),
      licenses: read('licenses.md'),
    };
  } catch (error) {
    throw usageError('This package has no explorer page. Build it with `npm run build`.', {
      cause: error,
    });
  }
}
