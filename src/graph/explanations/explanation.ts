/** How grave a finding is, and what it means. */

export interface Explanation {
  readonly severity: 'error' | 'warning';
  readonly title: string;
  /** What it means, why it matters, and what to do. */
  readonly text: string;
}

export const error = (title: string, text: string): Explanation => ({ severity: 'error', title, text });
export const warning = (title: string, text: string): Explanation => ({ severity: 'warning', title, text });
