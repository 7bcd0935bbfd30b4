/** The explorer: the page's data, the server that shows it on loopback, and the static site. */
export { pageFiles } from './page-files.ts';
export { serveExplorer } from './server.ts';
export { writeSite } from './site.ts';
export { viewData } from './view-data.ts';
