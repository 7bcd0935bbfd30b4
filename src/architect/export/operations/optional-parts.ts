/** Parts of a route that may be absent: Rails' `(.:format)` and `(/:year)`, Express' `/:id?`, `/{id?}` of ASP.NET. */
import { Unreadable } from './unreadable.ts';

const OPTIONAL = /(\([./][^()/]*\)|\/:\w+\?(?=\/|$)|\/\{\w+\?\}(?=\/|$))/;
/** Each doubles the number of forms. */
const MOST_OPTIONAL_PARTS = 4;

/** @returns the path with and without each optional part. */
export function optionalForms(path: string): readonly string[] {
  const pieces = path.split(OPTIONAL);
  if ((pieces.length - 1) / 2 > MOST_OPTIONAL_PARTS) throw new Unreadable('it has too many optional parts');
  let forms = [''];
  for (const [at, piece] of pieces.entries()) {
    forms =
      at % 2 === 0
        ? forms.map((form) => form + piece)
        : forms.flatMap((form) => [form, form + withoutMarks(piece)]);
  }
  return [...new Set(forms.map((form) => (form === '' ? '/' : form)))];
}

function withoutMarks(part: string): string {
  return part.startsWith('(') ? part.slice(1, -1) : part.replace('?', '');
}
