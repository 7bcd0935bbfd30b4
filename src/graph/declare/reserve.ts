/** What a request has beside its token: its first line and all other headers, as HTTP/1.1 writes them. */
export interface Reserve {
  /** How many headers these are: some servers count more for each than the bytes with which it was sent. */
  readonly headers: number;
  readonly bytes: number;
}

/** Where only bytes are given, one header is assumed for each 64 of them. */
const BYTES_OF_A_HEADER = 64;

export function reserveOfBytes(bytes: number): Reserve {
  return { headers: Math.ceil(bytes / BYTES_OF_A_HEADER), bytes };
}

export const DEFAULT_RESERVE = reserveOfBytes(2048);
