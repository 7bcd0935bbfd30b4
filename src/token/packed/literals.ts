/** The numbers of the format that are neither fields nor shapes. */

/** What a record is; `shaped + k` is a payload of shape k. */
export const FORM = { opaque: 0, raw: 1, newShape: 2, shaped: 3 } as const;

/** A record's first number: the form, from bit 2 on, and two flags. */
export const TAG = { otherHeader: 1, children: 2, formShift: 2 } as const;

/** How a value is given that is not the first guess; `guess + k` is the guess behind it by k + 1. */
export const CHOICE = {
  text: 0,
  words: 1,
  integer: 2,
  dotted: 3,
  json: 4,
  offset: 5,
  named: 6,
  audiences: 7,
  guess: 8,
} as const;

/** Guesses about one value. */
export const MAX_GUESSES = 4;

/** Hints for texts, and for words. */
export const TEXT = { name: 1, scope: 2, header: 3, member: 4, part: 5, value: 16 } as const;

/** Hints for counts. */
export const COUNT = { children: 0, words: 1, parts: 2, members: 3, audiences: 4 } as const;

/** Hints for numbers; a member's own hint stands for its integers and offsets, behind `member`. */
export const NUMBER = { signature: 0, part: 1, raw: 2, member: 16 } as const;

/** How a header is given: as text, in a frame (`frame + k` for that of index k), as one that stood before. */
export const HEADER = { text: 0, frame: 1, known: 5 } as const;

/** What Waybill's headers look like around their `kid`. */
export const HEADER_FRAMES = ['ES256', 'Ed25519', 'PS256', 'RS256'].map((alg) => ({
  before: `{"alg":"${alg}","typ":"at+jwt","kid":"`,
  after: '"}',
}));

/** Hints for shapes. */
export const SHAPE = { base: 0, childrenAt: 1 } as const;

/** A number as JSON that an integer can stand for: at most 14 digits. */
export const INTEGER = /^(?:0|[1-9][0-9]{0,13})$/;
