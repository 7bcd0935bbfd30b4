/** The subject of a certificate as one text (RFC 4514), which is how it is registered (RFC 8705 section 2.1.2). */
import type { X509Certificate } from 'node:crypto';

/** Node prints one part on each line, the most general first, escaped already; RFC 4514 section 2.1 turns them around. */
export function subjectName({ subject }: X509Certificate): string {
  return subject.split('\n').reverse().join(',');
}
