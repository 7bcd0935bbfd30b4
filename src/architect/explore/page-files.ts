/** The page as it was built, read once: its markup, its one script and its one style sheet. */
import { readFileSync } from 'node:fs';
import { WaybillError } from '../../errors.ts';

export interface PageFiles {
  /** With a mark where the data of a static site comes. */
  readonly html: string;
  readonly script: string;
  readonly style: string;
  /** The licences of what the script is made of. */
  readonly licenses: string;
}

/** What the markup has where a static site has its data. */
export const DATA_MARK = '<!-- data -->';

/** @throws WaybillError `usage` where the package was built without its page. */
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
    throw new WaybillError('usage', 'The page is not in this package: `npm run build` makes it.', {
      cause: error,
    });
  }
}
