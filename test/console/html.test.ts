import { expect, test } from 'vitest';

import { html } from '../../services/console/src/html.ts';

test('a value is escaped in text and in attributes', () => {
  const value = `<script>alert("1" + '2')</script>&\``;
  const escaped = '&#60;script&#62;alert(&#34;1&#34; + &#39;2&#39;)&#60;/script&#62;&#38;&#96;';
  expect(html`<p title="${value}">${value}</p>`.text).toBe(`<p title="${escaped}">${escaped}</p>`);
});

test('a template within a template stays as it is, and a list is joined', () => {
  const names = ['<a>', '<b>'].map((name) => html`<b>${name}</b>`);
  expect(html`<i>${names}</i>`.text).toBe('<i><b>&#60;a&#62;</b><b>&#60;b&#62;</b></i>');
});

test('what only looks like a template is escaped', () => {
  const forged = JSON.parse('{"text":"<script>"}') as never;
  expect(() => html`${forged}`.text).toThrow(TypeError);
});

test('what is absent leaves nothing; zero is shown', () => {
  expect(html`[${null}${undefined}${false}${[]}${0}]`.text).toBe('[0]');
});
