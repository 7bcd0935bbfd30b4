/** The explorer: the page's data, the server that shows it on loopback, and the static site. */
export { pageFiles, type PageFiles } from './page-files.ts';
export { serveExplorer, type Explorer } from './server.ts';
export { writeSite } from './site.ts';
export { viewData, type ViewData } from './view-data.ts';
