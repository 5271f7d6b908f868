import { ALL_RIGHT, answersByPlan, type ChatEntry, type Difficulty, type Outcome, type Plan, type Tier } from './entry.ts';
import { at, Random } from './random.ts';

type Working = { steps: string[]; result: number };
type Problem = { question: string; right: Working; slip: Working };
type Template = { name: string; difficulty: Difficulty; plans: Plan[]; write: (random: Random, name: string) => Problem };

/** The checks a careful user writes without knowing the result: the last line has the form that was asked for. */
export const ANSWER_LINE = '(^|\\n)Answer: -?[0-9]+(\\.[0-9]{1,2})?\\s*$';
export const ANSWER_REQUEST = 'End with a last line of the form "Answer: <number>", without a unit.';
const ARITHMETIC_RUBRIC =
  'Recalculate the problem from its text. Full marks only if every step follows from the text, no condition is ignored, and the last line states the right number.';

const names = [
  'Mira',
  'Oskar',
  'Priya',
  'Tomas',
  'Leila',
  'Hugo',
  'Adaeze',
  'Finn',
  'Yuki',
  'Clara',
  'Emil',
  'Rosa',
  'Bram',
  'Noor',
  'Ivo',
  'Greta',
];

/** Results in money keep two decimals, others stay whole. */
function shown(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(2);
}

function cents(value: number): number {
  return Math.round(value * 100) / 100;
}

const stall: Template = {
  name: 'market stall',
  difficulty: 'easy',
  plans: Array.from({ length: 5 }, () => ALL_RIGHT),
  write: (random, name) => {
    const [jars, price, rent] = [random.between(14, 48), random.between(4, 9), random.between(15, 40)];
    const income = jars * price;
    return {
      question: `${name} sells ${jars} jars of honey at ${price} euros each and pays ${rent} euros for the stall. How many euros are left?`,
      right: { steps: [`${jars} × ${price} = ${income}`, `${income} - ${rent} = ${income - rent}`], result: income - rent },
      slip: { steps: [`${jars} × ${price} = ${income}`], result: income },
    };
  },
};

const shelves: Template = {
  name: 'shelves',
  difficulty: 'easy',
  plans: Array.from({ length: 5 }, () => ALL_RIGHT),
  write: (random, name) => {
    const [rows, perRow, lent] = [random.between(4, 9), random.between(11, 25), random.between(3, 17)];
    const total = rows * perRow;
    return {
      question: `${name}'s bookcase has ${rows} shelves with ${perRow} books each. ${lent} books are lent to friends. How many books stand in the bookcase now?`,
      right: { steps: [`${rows} × ${perRow} = ${total}`, `${total} - ${lent} = ${total - lent}`], result: total - lent },
      slip: { steps: [`${rows} × ${perRow} = ${total}`, `${total} + ${lent} = ${total + lent}`], result: total + lent },
    };
  },
};

const paint: Template = {
  name: 'paint',
  difficulty: 'medium',
  plans: [ALL_RIGHT, ALL_RIGHT, ['slip', 'right', 'right'], ALL_RIGHT, ALL_RIGHT, ['misformat', 'right', 'right']],
  write: (random, name) => {
    const [width, height, walls, coverage] = [
      random.between(4, 7),
      random.between(2, 3),
      random.between(3, 4),
      random.between(5, 8),
    ];
    const area = width * height * walls * 2;
    const tins = Math.ceil(area / coverage);
    const once = Math.ceil(area / 2 / coverage);
    return {
      question: `${name} paints ${walls} walls, each ${width} m wide and ${height} m high, and gives every wall two coats. One tin covers ${coverage} square metres. How many tins must be bought if only whole tins are sold?`,
      right: {
        steps: [
          `one coat: ${walls} × ${width} × ${height} = ${area / 2} square metres`,
          `two coats: ${area} square metres`,
          `${area} ÷ ${coverage}, rounded up = ${tins}`,
        ],
        result: tins,
      },
      slip: {
        steps: [
          `the walls: ${walls} × ${width} × ${height} = ${area / 2} square metres`,
          `${area / 2} ÷ ${coverage}, rounded up = ${once}`,
        ],
        result: once,
      },
    };
  },
};

const coach: Template = {
  name: 'coach trip',
  difficulty: 'medium',
  plans: [ALL_RIGHT, ['misformat', 'right', 'right'], ALL_RIGHT, ALL_RIGHT, ALL_RIGHT, ['slip', 'right', 'right']],
  write: (random, name) => {
    const [pupils, helpers, seats, hire] = [
      random.between(95, 160),
      random.between(7, 14),
      random.between(28, 44),
      random.between(180, 320),
    ];
    const riders = pupils + helpers;
    const coaches = Math.ceil(riders / seats);
    return {
      question: `${name} books coaches for ${pupils} pupils and ${helpers} helpers. A coach has ${seats} seats and costs ${hire} euros a day. What do the coaches cost for one day?`,
      right: {
        steps: [
          `${pupils} + ${helpers} = ${riders} riders`,
          `${riders} ÷ ${seats}, rounded up = ${coaches} coaches`,
          `${coaches} × ${hire} = ${coaches * hire}`,
        ],
        result: coaches * hire,
      },
      slip: {
        steps: [
          `${pupils} + ${helpers} = ${riders} riders`,
          `${riders} ÷ ${seats} is about ${coaches - 1} coaches`,
          `${coaches - 1} × ${hire} = ${(coaches - 1) * hire}`,
        ],
        result: (coaches - 1) * hire,
      },
    };
  },
};

const workshop: Template = {
  name: 'workshop week',
  difficulty: 'hard',
  plans: [
    ['slip', 'slip', 'right'],
    ['misformat', 'right', 'right'],
    ALL_RIGHT,
    ['misformat', 'right', 'right'],
    ['misformat', 'right', 'right'],
  ],
  write: (random, name) => {
    const [perDay, faulty, repairable, price, scrap] = [
      random.between(5, 9) * 20,
      5,
      random.between(2, 3),
      random.between(6, 11),
      random.between(2, 3),
    ];
    const made = perDay * 5;
    const bad = (made * faulty) / 100;
    const repaired = Math.floor(bad / repairable);
    const lost = bad - repaired;
    const sold = made - lost;
    const result = sold * price - lost * scrap;
    const forgotten = (made - bad) * price - lost * scrap;
    return {
      question: [
        `${name}'s workshop makes ${perDay} bicycle bells on each of the five working days of a week.`,
        `${faulty} percent of all bells fail the sound test. One in ${repairable} of the failed bells (rounded down) can be repaired and is then as good as new; each of the others costs ${scrap} euros to scrap.`,
        `Good bells are sold for ${price} euros. All good bells made in the week are sold.`,
        "Work step by step. What is the week's income from bells after the cost of scrapping, in euros?",
      ].join(' '),
      right: {
        steps: [
          `bells made: ${perDay} × 5 = ${made}`,
          `failed: ${shown(bad)}`,
          `repaired: ${repaired}, scrapped: ${shown(lost)}`,
          `sold: ${made} - ${shown(lost)} = ${shown(sold)}`,
          `${shown(sold)} × ${price} - ${shown(lost)} × ${scrap} = ${shown(result)}`,
        ],
        result,
      },
      slip: {
        steps: [
          `bells made: ${perDay} × 5 = ${made}`,
          `failed: ${shown(bad)}`,
          `scrapped: ${shown(lost)}`,
          `sold: ${made} - ${shown(bad)} = ${shown(made - bad)}`,
          `${shown(made - bad)} × ${price} - ${shown(lost)} × ${scrap} = ${shown(forgotten)}`,
        ],
        result: forgotten,
      },
    };
  },
};

const basket: Template = {
  name: 'basket',
  difficulty: 'hard',
  plans: [
    ['misformat', 'right', 'right'],
    ['slip', 'slip', 'right'],
    ['misformat', 'right', 'right'],
    ALL_RIGHT,
    ['misformat', 'slip', 'slip'],
  ],
  write: (random, name) => {
    const [mugs, mugPrice, plates, platePrice] = [
      random.between(4, 9),
      random.between(8, 14),
      random.between(5, 11),
      random.between(12, 19),
    ];
    const delivery = 6.5;
    const goods = mugs * mugPrice + plates * platePrice;
    const freeMugs = Math.floor(mugs / 4);
    const afterFree = goods - freeMugs * mugPrice;
    const afterCoupon = cents(afterFree * 0.85);
    const result = cents(afterCoupon + delivery);
    const wrong = cents((afterFree + delivery) * 0.85);
    return {
      question: [
        `${name} orders ${mugs} mugs at ${mugPrice} euros and ${plates} plates at ${platePrice} euros.`,
        'Three conditions apply, in this order: (1) of every four mugs one is free; (2) a coupon takes 15 percent off what the goods cost after the free mugs; (3) delivery costs 6.50 euros and is never discounted.',
        'Explain each step. How many euros does the order cost?',
      ].join(' '),
      right: {
        steps: [
          `goods: ${mugs} × ${mugPrice} + ${plates} × ${platePrice} = ${goods}`,
          `free mugs: ${freeMugs}, so ${goods} - ${freeMugs * mugPrice} = ${afterFree}`,
          `coupon: ${afterFree} × 0.85 = ${money(afterCoupon)}`,
          `with delivery: ${money(result)}`,
        ],
        result,
      },
      slip: {
        steps: [
          `goods: ${mugs} × ${mugPrice} + ${plates} × ${platePrice} = ${goods}`,
          `free mugs: ${freeMugs}, so ${afterFree}`,
          `with delivery: ${money(afterFree + delivery)}`,
          `coupon: ${money(afterFree + delivery)} × 0.85 = ${money(wrong)}`,
        ],
        result: wrong,
      },
    };
  },
};

function money(value: number): string {
  return value.toFixed(2);
}

const tank: Template = {
  name: 'tank',
  difficulty: 'hard',
  plans: [
    ALL_RIGHT,
    ['misformat', 'misformat', 'right'],
    ['misformat', 'slip', 'right'],
    ['misformat', 'right', 'right'],
    ALL_RIGHT,
  ],
  write: (random, name) => {
    const [inflow, outflow, closed] = [random.between(16, 24), random.between(5, 9), random.between(10, 20)];
    const minutes = random.between(20, 35);
    const start = random.between(40, 90);
    const capacity = start + closed * inflow + minutes * (inflow - outflow);
    const wrong = Math.ceil((capacity - start) / (inflow - outflow));
    return {
      question: [
        `A rain tank on ${name}'s farm holds ${capacity} litres and already contains ${start}. At 9:00 the inlet is opened; ${inflow} litres a minute run in.`,
        `The outlet, which lets ${outflow} litres a minute run out, stays shut for the first ${closed} minutes and is open from then on.`,
        'The inlet stays open all the time. Step by step: after how many minutes, counted from 9:00, is the tank full?',
      ].join(' '),
      right: {
        steps: [
          `after ${closed} minutes: ${start} + ${closed} × ${inflow} = ${start + closed * inflow} litres`,
          `still missing: ${minutes * (inflow - outflow)} litres`,
          `net inflow then: ${inflow} - ${outflow} = ${inflow - outflow}, which takes ${minutes} minutes`,
          `${closed} + ${minutes} = ${closed + minutes}`,
        ],
        result: closed + minutes,
      },
      slip: {
        steps: [
          `missing at the start: ${capacity} - ${start} = ${capacity - start} litres`,
          `net inflow: ${inflow} - ${outflow} = ${inflow - outflow} litres a minute`,
          `${capacity - start} ÷ ${inflow - outflow}, rounded up = ${wrong}`,
        ],
        result: wrong,
      },
    };
  },
};

const shifts: Template = {
  name: 'night shifts',
  difficulty: 'hard',
  plans: [
    ['misformat', 'right', 'right'],
    ['slip', 'slip', 'slip'],
    ALL_RIGHT,
    ['misformat', 'right', 'right'],
    ['misformat', 'slip', 'right'],
  ],
  write: (random, name) => {
    const [wage, days, nights, sundayNights, travel] = [
      random.between(14, 21),
      random.between(8, 12),
      random.between(4, 7),
      2,
      random.between(5, 9),
    ];
    const dayPay = days * 8 * wage;
    const nightPay = cents(nights * 8 * wage * 1.25);
    const sundayPay = sundayNights * 8 * wage * 1.5;
    const allowance = (days + nights + sundayNights) * travel;
    const result = cents(dayPay + nightPay + sundayPay + allowance);
    const wrong = cents(dayPay + nightPay + sundayNights * 8 * wage * 1.25 + allowance);
    return {
      question: [
        `${name} works 8-hour shifts in a bakery for ${wage} euros an hour: ${days} day shifts, ${nights} night shifts on weekdays and ${sundayNights} night shifts on Sundays.`,
        `Constraints of the contract: a night shift earns 25 percent more; a Sunday night earns 50 percent more than a day shift instead of (not on top of) the night supplement; every shift of any kind adds ${travel} euros for travel.`,
        'Show all steps. What is the pay of the month in euros?',
      ].join(' '),
      right: {
        steps: [
          `days: ${days} × 8 × ${wage} = ${dayPay}`,
          `weekday nights: ${nights} × 8 × ${wage} × 1.25 = ${shown(nightPay)}`,
          `Sunday nights: ${sundayNights} × 8 × ${wage} × 1.5 = ${shown(sundayPay)}`,
          `travel: ${days + nights + sundayNights} × ${travel} = ${allowance}`,
          `sum: ${shown(result)}`,
        ],
        result,
      },
      slip: {
        steps: [
          `days: ${days} × 8 × ${wage} = ${dayPay}`,
          `nights: ${nights + sundayNights} × 8 × ${wage} × 1.25 = ${shown(wrong - dayPay - allowance)}`,
          `travel: ${days + nights + sundayNights} × ${travel} = ${allowance}`,
          `sum: ${shown(wrong)}`,
        ],
        result: wrong,
      },
    };
  },
};

/** Tiers differ in how much working they show, as models do. */
function write(working: Working, tier: Tier): string {
  const lines = tier === 'economy' ? working.steps : working.steps.map((step, index) => `${index + 1}. ${step}`);
  return `${lines.join('\n')}\nAnswer: ${shown(working.result)}`;
}

/** The requested last line is missing, and a later number in the chatter is not the result. */
function withoutAnswerLine(problem: Problem, index: number): string {
  const endings = [
    'I hope this helps! Let me know if you would like a second method.',
    'I checked this 2 times.',
    'This took 3 steps.',
  ];
  const steps = index % 2 === 0 ? problem.slip.steps : problem.right.steps;
  return `Sure! Let us look at it together.\n\n${steps.slice(0, -1).join(', then ')}.\n\n${at(endings, index)}`;
}

function entryOf(template: Template, plan: Plan, index: number): ChatEntry {
  const random = new Random(`word problem ${template.name} ${index}`);
  const problem = template.write(random, random.pick(names));
  const writeOutcome = (outcome: Outcome, tier: Tier): string => {
    if (outcome === 'misformat') return withoutAnswerLine(problem, index);
    return write(outcome === 'right' ? problem.right : problem.slip, tier);
  };
  const checks: ChatEntry['row']['checks'] = [{ type: 'regex', pattern: ANSWER_LINE }];
  if (template.difficulty === 'hard') checks.push({ type: 'llm_judge', rubric: ARITHMETIC_RUBRIC });
  return {
    row: {
      task: 'question_answering',
      input: { prompt: `${problem.question} ${ANSWER_REQUEST}` },
      checks,
      gold: problem.right.result,
      matcher: 'number',
    },
    difficulty: template.difficulty,
    answers: answersByPlan(plan, writeOutcome),
  };
}

export const wordProblems: ChatEntry[] = [stall, shelves, paint, coach, workshop, basket, tank, shifts].flatMap((template) =>
  template.plans.map((plan, index) => entryOf(template, plan, index)),
);
