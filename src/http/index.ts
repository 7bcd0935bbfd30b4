/** HTTP around the issuer. */
export { createApp, type AppOptions } from './app.ts';
export { listen, type ListenOptions, type RunningServer } from './server.ts';
