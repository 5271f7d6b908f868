import { judgementOf, rubricOf, tiers } from './book.ts';
import type { ChatEntry, Difficulty, Task, Tier } from './entry.ts';
import { isRight, passesStructure } from './verdict.ts';

type Figures = {
  rows: number;
  right: Record<Tier, number>;
  cascade: { right: number; stopped: Record<Tier, number> };
  economyWrong: { total: number; wellFormed: number; hard: number };
  /** Right answers which a structural check turns away, for nothing. */
  rightButTurnedAway: Record<Tier, number>;
  standardWrongAlsoEconomyWrong: number;
  judge: { rows: number; rightRejected: number; rightSeen: number; wrongCaught: number; wrongSeen: number };
};

const acceptAt: Record<Tier, number> = { economy: 0.8, standard: 0.7, premium: 0 };

function judgeAccepts(entry: ChatEntry, tier: Tier): boolean {
  const rubric = rubricOf(entry);
  return rubric === undefined || judgementOf(entry, rubric, entry.answers[tier]).score >= acceptAt[tier];
}

/** The tier whose answer the router would deliver: the premium answer is taken whatever the checks say. */
function deliveringTier(entry: ChatEntry): Tier {
  const accepted = tiers.find((tier) => passesStructure(entry.row, entry.answers[tier]) && judgeAccepts(entry, tier));
  return accepted ?? 'premium';
}

function rightIn(entries: ChatEntry[], tier: Tier): ChatEntry[] {
  return entries.filter((entry) => isRight(entry.row, entry.answers[tier]));
}

function perTier(count: (tier: Tier) => number): Record<Tier, number> {
  return { economy: count('economy'), standard: count('standard'), premium: count('premium') };
}

function measure(entries: ChatEntry[]): Figures {
  const wrong = (entry: ChatEntry, tier: Tier): boolean => !isRight(entry.row, entry.answers[tier]);
  const economyWrong = entries.filter((entry) => wrong(entry, 'economy'));
  return {
    rows: entries.length,
    right: perTier((tier) => rightIn(entries, tier).length),
    cascade: {
      right: entries.filter((entry) => !wrong(entry, deliveringTier(entry))).length,
      stopped: perTier((tier) => entries.filter((entry) => deliveringTier(entry) === tier).length),
    },
    economyWrong: {
      total: economyWrong.length,
      wellFormed: economyWrong.filter((entry) => passesStructure(entry.row, entry.answers.economy)).length,
      hard: economyWrong.filter((entry) => entry.difficulty === 'hard').length,
    },
    rightButTurnedAway: perTier(
      (tier) => rightIn(entries, tier).filter((entry) => !passesStructure(entry.row, entry.answers[tier])).length,
    ),
    standardWrongAlsoEconomyWrong: economyWrong.filter((entry) => wrong(entry, 'standard')).length,
    judge: measureJudge(entries),
  };
}

function measureJudge(entries: ChatEntry[]): Figures['judge'] {
  const judge = { rows: 0, rightRejected: 0, rightSeen: 0, wrongCaught: 0, wrongSeen: 0 };
  for (const entry of entries) {
    const rubric = rubricOf(entry);
    if (rubric === undefined) continue;
    judge.rows += 1;
    for (const answer of new Set(Object.values(entry.answers))) {
      const rejected = judgementOf(entry, rubric, answer).score < acceptAt.economy;
      const kind = isRight(entry.row, answer) ? 'right' : 'wrong';
      judge[`${kind}Seen`] += 1;
      if (rejected) judge[kind === 'right' ? 'rightRejected' : 'wrongCaught'] += 1;
    }
  }
  return judge;
}

function percent(part: number, whole: number): string {
  return `${((100 * part) / whole).toFixed(1)} %`;
}

function tableLine(label: string, entries: ChatEntry[]): string {
  const { rows, right, cascade, economyWrong } = measure(entries);
  const shares = [...tiers.map((tier) => right[tier]), cascade.right].map((count) => percent(count, rows).padStart(9));
  return `${label.padEnd(20)}${String(rows).padStart(5)}${shares.join('')}${`${economyWrong.wellFormed}/${economyWrong.total}`.padStart(12)}`;
}

export function report(entries: ChatEntry[], allRows: number): string {
  const figures = measure(entries);
  const { right, cascade, economyWrong, judge, rightButTurnedAway } = figures;
  const tasks = [...new Set(entries.map(({ row }) => row.task))] satisfies Task[];
  const difficulties: Difficulty[] = ['easy', 'medium', 'hard'];
  return [
    `${'right answers'.padEnd(20)} rows  economy standard  premium  cascade  well-formed/economy wrong`,
    ...tasks.map((task) =>
      tableLine(
        task,
        entries.filter(({ row }) => row.task === task),
      ),
    ),
    ...difficulties.map((difficulty) =>
      tableLine(
        `(${difficulty})`,
        entries.filter((entry) => entry.difficulty === difficulty),
      ),
    ),
    tableLine('all', entries),
    '',
    `economy wrong: ${economyWrong.total}, of these ${percent(economyWrong.wellFormed, economyWrong.total)} pass every structural check, ${percent(economyWrong.hard, economyWrong.total)} are hard rows`,
    `standard wrong: ${figures.rows - right.standard}, of these ${figures.standardWrongAlsoEconomyWrong} also wrong at economy`,
    `right but turned away by a structural check: economy ${rightButTurnedAway.economy}, standard ${rightButTurnedAway.standard}, premium ${rightButTurnedAway.premium}`,
    `judge: on ${judge.rows} of ${allRows} rows (${percent(judge.rows, allRows)}); catches ${judge.wrongCaught} of ${judge.wrongSeen} wrong answers, rejects ${judge.rightRejected} of ${judge.rightSeen} right ones`,
    `cascade delivers from economy ${cascade.stopped.economy}, standard ${cascade.stopped.standard}, premium ${cascade.stopped.premium}; recovers ${percent(cascade.right - right.economy, right.premium - right.economy)} of the gap from economy to premium`,
  ].join('\n');
}

function assertBetween(what: string, value: number, low: number, high: number): void {
  if (value < low || value > high) throw new Error(`${what} is ${value.toFixed(3)}, not within ${low} and ${high}`);
}

/** The mix the demonstration is built on; a change of content that leaves it must not pass unseen. */
export function assertMix(entries: ChatEntry[], allRows: number): void {
  const { rows, right, cascade, economyWrong, judge, standardWrongAlsoEconomyWrong } = measure(entries);
  assertBetween('share of right economy answers', right.economy / rows, 0.55, 0.65);
  assertBetween('share of right standard answers', right.standard / rows, 0.78, 0.86);
  assertBetween('share of right premium answers', right.premium / rows, 0.95, 0.98);
  assertBetween(
    'share of well-formed answers among the wrong economy ones',
    economyWrong.wellFormed / economyWrong.total,
    0.35,
    0.5,
  );
  assertBetween('share of hard rows among the wrong economy ones', economyWrong.hard / economyWrong.total, 0.7, 1);
  assertBetween(
    "share of standard's wrong answers that economy gets wrong too",
    standardWrongAlsoEconomyWrong / (rows - right.standard),
    0.9,
    1,
  );
  assertBetween('share of judged rows', judge.rows / allRows, 0.35, 0.4);
  assertBetween(
    'share of the gap which the cascade recovers',
    (cascade.right - right.economy) / (right.premium - right.economy),
    0.6,
    1,
  );
}
