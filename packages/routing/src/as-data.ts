/**
 * Texts of strangers between markers, for a model that is told to treat what stands there as data. A marker inside a text would
 * end the data early: it is made harmless, also where it is written as only a lenient reader would take it.
 */
export function asData(parts: Record<string, string>): string {
  const markers = new RegExp(String.raw`<[\s/]*(?:${Object.keys(parts).join('|')})(?:[\s/][^<>]*)?>`, 'gi');
  const harmless = (text: string): string => text.replaceAll(markers, (marker) => marker.replace('<', '‹').replace('>', '›'));
  return Object.entries(parts)
    .map(([name, text]) => `<${name}>\n${harmless(text)}\n</${name}>`)
    .join('\n\n');
}
