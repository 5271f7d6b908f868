/** Text that is HTML already. Only `html` makes it, so that nothing gets on a page unescaped. */
class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toString(): string {
    return this.text;
  }
}
export type { Html };

/** What may stand in a template: text is escaped, lists are joined, and what is absent leaves nothing. */
export type Content = Html | string | number | null | undefined | false | readonly Content[];

/** A template of HTML whose values are escaped, in text as in quoted attributes. */
export function html(strings: TemplateStringsArray, ...values: Content[]): Html {
  return new Html(strings.reduce((text, part, index) => text + render(values[index - 1]) + part));
}

function render(content: Content): string {
  if (content === null || content === undefined || content === false) return '';
  if (content instanceof Html) return content.text;
  if (typeof content === 'object') return content.map(render).join('');
  return String(content).replaceAll(/[&<>"'`]/g, (character) => `&#${character.codePointAt(0)};`);
}
