/** Numbers as people read them. */
export const bytesText = (bytes: number): string => bytes.toLocaleString('en');

export const percentText = (share: number): string => `${Math.max(1, Math.round(share * 100))} %`;

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
