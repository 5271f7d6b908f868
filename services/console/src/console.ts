import { closeCells, openCells, redisReadiness } from '@upshift/queues';
import { cellOptions, ConfigError } from '@upshift/runtime';
import type { Running, ServiceContext } from '@upshift/runtime';

import { createBoard } from './board.ts';
import { requireLogin } from './login.ts';
import { commonHeaders, failed, pageRoutes } from './pages.ts';

/** Nothing is loaded from other hosts (Bull Board would fetch fonts), and no other page may frame the console. */
const BOARD_POLICY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'self'";

/** The overview, the pages of jobs, and Bull Board over every queue, behind a login; read-only. */
export async function startConsole(context: ServiceContext): Promise<Running> {
  const password = context.environment.UPSHIFT_CONSOLE_PASSWORD;
  if (password === undefined)
    throw new ConfigError('UPSHIFT_CONSOLE_PASSWORD', ['is not set; the console shows every job and needs one']);
  const cells = await openCells(cellOptions(context, { failFast: true }));
  const login = requireLogin(password);
  const board = createBoard(cells, '/queues');
  context.app.use(commonHeaders);
  context.app.use('/queues', login, (_request, response, next) => {
    response.set('Content-Security-Policy', BOARD_POLICY);
    next();
  });
  context.app.use('/queues', board);
  context.app.use(pageRoutes(cells, login));
  context.app.use(failed(cells));
  return { readiness: () => redisReadiness(cells), stop: (answered) => answered().then(() => closeCells(cells)) };
}
