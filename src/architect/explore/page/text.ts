/** Numbers and modes as people read them. */
import type { CallView } from '../../../planning/index.ts';

export const bytesText = (bytes: number): string => bytes.toLocaleString('en');

export const percentText = (share: number): string => `${Math.max(1, Math.round(share * 100))} %`;

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString('en')} ${count === 1 ? one : many}`;

export const MODE_NAMES: Readonly<Record<CallView['mode'], string>> = {
  embed: 'travels inside',
  exchange: 'fetched when needed',
  forward: 'same token passed on',
  none: 'no token',
};
