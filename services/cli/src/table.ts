export type Cell = string | number;

/** `1 job`, `2 jobs`. */
export function counted(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** Lines of a table: columns as wide as their widest cell, the first to the left, the others to the right. */
export function table(head: string[], rows: Cell[][], strong: (text: string) => string = (text) => text): string[] {
  const text = (cell: Cell | undefined): string => String(cell ?? '');
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => text(row[column]).length)));
  const line = (row: Cell[]): string =>
    row
      .map((cell, column) => (column === 0 ? text(cell).padEnd(widths[0] ?? 0) : text(cell).padStart(widths[column] ?? 0)))
      .join('   ');
  return [`  ${strong(line(head))}`, ...rows.map((row) => `  ${line(row)}`)];
}
