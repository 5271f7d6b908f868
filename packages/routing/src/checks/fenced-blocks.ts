/** A block of code between fences, with what stands behind the first of them. */
export interface FencedBlock {
  info: string;
  code: string;
  isClosed: boolean;
}

/** Alone on a line, or behind the mark of a list's item; what has backticks behind it stands in a sentence. */
const FENCE = /^[ \t]*(?:(?:[-*+]|\d{1,3}[.)])[ \t]+)?(`{3,}(?=[^`]*$)|~{3,})([^]*)$/;

/** The blocks of a text in their order. One that shows fences has longer or other ones around them. */
export function fencedBlocks(text: string): FencedBlock[] {
  const blocks: FencedBlock[] = [];
  let [open, fence]: [FencedBlock | null, string] = [null, ''];
  for (const line of text.split('\n')) {
    const [, signs, info = ''] = FENCE.exec(line) ?? [];
    if (open === null) {
      if (signs === undefined) continue;
      [open, fence] = [{ info: info.trim(), code: '', isClosed: false }, signs];
      blocks.push(open);
    } else if (signs?.startsWith(fence)) {
      open.isClosed = true;
      open = null;
    } else open.code += `${line}\n`;
  }
  return blocks;
}
