const WIDTH = 30;

/** A bar on stderr: redrawn on a terminal, else a line per tenth. */
export function progressBar(name: string): (done: number, of: number) => void {
  let shown = -1;
  return (done, of) => {
    const tenth = Math.floor((done / of) * 10);
    if (!process.stderr.isTTY && tenth === shown) return;
    shown = tenth;
    const filled = Math.round((done / of) * WIDTH);
    const line = `[${'#'.repeat(filled)}${'-'.repeat(WIDTH - filled)}] ${String(Math.round((done / of) * 100)).padStart(3)} %  ${name}`;
    process.stderr.write(process.stderr.isTTY ? `\r${line}${done === of ? '\n' : ''}` : `${line}\n`);
  };
}
