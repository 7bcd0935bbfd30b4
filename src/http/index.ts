/** HTTP around the issuer. */
export { createApp, type AppOptions } from './app.ts';
export { listen, type ListenOptions, type RunningServer, type TlsOptions } from './server.ts';
