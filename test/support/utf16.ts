/** A text as UTF-16: little and big endian, each with a byte order mark and without. */
export function utf16(text: string): readonly Buffer[] {
  return [`\ufeff${text}`, text].flatMap((marked) => {
    const little = Buffer.from(marked, 'utf16le');
    return [little, Buffer.from(little).swap16()];
  });
}
