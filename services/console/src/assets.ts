import { fileURLToPath } from 'node:url';

import { Router } from 'express';

const own = (name: string): string => fileURLToPath(new URL(`../public/${name}`, import.meta.url));

/** Everything that the browser loads, by its name there. No build: the chart library comes out of its package as it is. */
const files: Record<string, string> = {
  'console.js': own('console.js'),
  'charts.js': own('charts.js'),
  'console.css': own('console.css'),
  'icon.svg': own('icon.svg'),
  'uplot.js': fileURLToPath(import.meta.resolve('uplot/dist/uPlot.esm.js')),
  'uplot.css': fileURLToPath(import.meta.resolve('uplot/dist/uPlot.min.css')),
};

/** Dot files are allowed because the package manager keeps packages in a folder whose name begins with a dot. */
export function assetRoutes(): Router {
  const routes = Router();
  for (const [name, path] of Object.entries(files)) {
    routes.get(`/${name}`, (_request, response, next) => response.sendFile(path, { dotfiles: 'allow' }, next));
  }
  return routes;
}
