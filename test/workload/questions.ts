import { answersFrom, type Answers, type ChatEntry, type Check, type Difficulty, type Expectation } from './entry.ts';
import { ANSWER_LINE, ANSWER_REQUEST } from './word_problems.ts';

type Question = {
  question: string;
  checks: Check[];
  expected: Expectation;
  difficulty: Difficulty;
  right: string;
  own?: Partial<Answers>;
};

function briefly(words: number): Check {
  return { type: 'length', min_words: 1, max_words: words };
}

function facts(...gold: string[]): Expectation {
  return { gold, matcher: 'contains_all' };
}

const dateOnly: Check = { type: 'regex', pattern: '^\\s*[0-9]{4}-[0-9]{2}-[0-9]{2}\\s*$' };
const yesOrNo: Check = { type: 'one_of', values: ['yes', 'no'] };

const knowledge: Question[] = [
  {
    question: 'Which gas do plants take in for photosynthesis? Answer in at most five words.',
    checks: [briefly(5)],
    expected: facts('carbon dioxide'),
    difficulty: 'easy',
    right: 'Carbon dioxide',
    own: { premium: 'Carbon dioxide (CO2)' },
  },
  {
    question: 'What is the capital of New Zealand? One word, please.',
    checks: [briefly(1)],
    expected: facts('wellington'),
    difficulty: 'easy',
    right: 'Wellington',
  },
  {
    question: 'In which unit is electrical resistance measured? Answer in at most five words.',
    checks: [briefly(5)],
    expected: facts('ohm'),
    difficulty: 'easy',
    right: 'The ohm',
    own: { economy: 'Ohm' },
  },
  {
    question: 'Who wrote the novel "Middlemarch"? Give only the name.',
    checks: [briefly(5)],
    expected: facts('eliot'),
    difficulty: 'easy',
    right: 'George Eliot',
    own: { premium: 'George Eliot (Mary Ann Evans)' },
  },
  {
    question: 'Which planet of the solar system has the shortest day? Give the name only.',
    checks: [briefly(3)],
    expected: facts('jupiter'),
    difficulty: 'easy',
    right: 'Jupiter',
  },
  {
    question: 'What does the HTTP status code 409 mean? Answer in at most 20 words.',
    checks: [briefly(20)],
    expected: facts('conflict'),
    difficulty: 'easy',
    right: 'Conflict: the request cannot be completed because it clashes with the current state of the resource.',
    own: { economy: '409 Conflict: the request conflicts with the current state of the resource.' },
  },
  {
    question: 'Which mineral gives the Mohs scale its value 10? One word.',
    checks: [briefly(1)],
    expected: facts('diamond'),
    difficulty: 'easy',
    right: 'Diamond',
  },
  {
    question: 'Name the longest bone of the human body in at most four words.',
    checks: [briefly(4)],
    expected: facts('femur'),
    difficulty: 'easy',
    right: 'The femur',
    own: { economy: 'Femur (thigh bone)' },
  },
  {
    question: 'Which sea lies between Sweden and Estonia? At most four words.',
    checks: [briefly(4)],
    expected: facts('baltic'),
    difficulty: 'easy',
    right: 'The Baltic Sea',
  },
  {
    question: 'In SQL, which join keeps every row of the left table, matched or not? Answer in at most six words.',
    checks: [briefly(6)],
    expected: facts('left'),
    difficulty: 'easy',
    right: 'A LEFT (OUTER) JOIN',
    own: { economy: 'LEFT JOIN' },
  },
  {
    question: 'What is the chemical symbol of tungsten? Give the symbol only.',
    checks: [briefly(1)],
    expected: { gold: 'W', matcher: 'exact' },
    difficulty: 'easy',
    right: 'W',
  },
  {
    question: 'Which instrument has 47 strings and seven pedals? Two or three words at most.',
    checks: [briefly(3)],
    expected: facts('harp'),
    difficulty: 'easy',
    right: 'Concert harp',
    own: { economy: 'Pedal harp' },
  },
];

const leavePolicy =
  'Leave policy. Staff earn 2 days of leave for every full month worked. Days that are not taken by 31 March of the following year lapse, except for days refused by the manager in writing, which lapse on 30 June. During probation (the first 4 months) days are earned but cannot be taken. A public holiday inside a leave is not counted as leave.';
const returnPolicy =
  'Returns. Goods may be sent back within 30 days of delivery. For orders delivered between 15 November and 24 December the period ends on 31 January. Opened hygiene goods cannot be returned unless they are faulty. Faulty goods may be returned within 2 years. The shop pays the postage for faulty goods and for orders above 80 euros; otherwise the customer does.';
const accessPolicy =
  "Access. A key card opens the floors of its owner's department. Visitors get a day card that opens the ground floor only. After 20:00 only the night list may enter, whatever the card. A card is blocked for 24 hours after three wrong PINs; security may lift the block, except after 20:00. Contractors count as visitors until their induction is signed.";

function grounded(policy: string, question: string): string {
  return `Use only this text:\n\n${policy}\n\nQuestion: ${question}`;
}

const reading: Question[] = [
  {
    question: grounded(returnPolicy, 'Within how many days may ordinary goods be sent back? Answer with the number only.'),
    checks: [{ type: 'regex', pattern: '^\\s*[0-9]+\\s*$' }],
    expected: { gold: 30, matcher: 'number' },
    difficulty: 'easy',
    right: '30',
  },
  {
    question: grounded(
      leavePolicy,
      'How many days of leave does somebody earn in five full months? Answer with the number only.',
    ),
    checks: [{ type: 'regex', pattern: '^\\s*[0-9]+\\s*$' }],
    expected: { gold: 10, matcher: 'number' },
    difficulty: 'easy',
    right: '10',
  },
  {
    question: grounded(accessPolicy, "Which floor does a visitor's day card open? At most four words."),
    checks: [briefly(4)],
    expected: facts('ground'),
    difficulty: 'easy',
    right: 'The ground floor',
    own: { economy: 'Ground floor only' },
  },
  {
    question: grounded(
      returnPolicy,
      'Who pays the postage for a faultless order of 95 euros, the shop or the customer? One or two words.',
    ),
    checks: [briefly(2)],
    expected: facts('shop'),
    difficulty: 'medium',
    right: 'The shop',
  },
  {
    question: grounded(
      accessPolicy,
      'May a contractor with a signed induction enter at 21:00 without being on the night list? Reply "yes" or "no".',
    ),
    checks: [yesOrNo],
    expected: { gold: 'no', matcher: 'exact' },
    difficulty: 'medium',
    right: 'no',
  },
  {
    question: grounded(leavePolicy, 'Ana started on 1 May. May she take leave in July? Reply "yes" or "no".'),
    checks: [yesOrNo],
    expected: { gold: 'no', matcher: 'exact' },
    difficulty: 'medium',
    right: 'no',
    own: { economy: 'No, because July is still inside the probation of four months.' },
  },
  {
    question: grounded(
      returnPolicy,
      'A toothbrush, opened, faultless, was delivered on 1 December. May it be returned on 10 December? Reply "yes" or "no".',
    ),
    checks: [yesOrNo],
    expected: { gold: 'no', matcher: 'exact' },
    difficulty: 'medium',
    right: 'no',
    own: { economy: 'Yes, because 10 December is well within the 30 days.' },
  },
  {
    question: grounded(
      leavePolicy,
      'Jo started on 1 July 2025 and had no leave at all in 2025: she asked for six days in December 2025, which her manager refused in writing; the rest she simply did not ask for. Consider each condition in turn. How many of the days earned in 2025 can she still take in May 2026? Answer with the number only.',
    ),
    checks: [{ type: 'regex', pattern: '^\\s*[0-9]+\\s*$' }],
    expected: { gold: 6, matcher: 'number' },
    difficulty: 'hard',
    right: '6',
    own: { economy: '12', standard: '12' },
  },
  {
    question: grounded(
      returnPolicy,
      'A lamp was delivered on 14 November 2025 and a shelf, from the same order, on 20 November 2025; neither is faulty. Check both conditions and give the last day on which BOTH can still be sent back together, as YYYY-MM-DD only.',
    ),
    checks: [dateOnly],
    expected: { gold: '2025-12-14', matcher: 'exact' },
    difficulty: 'hard',
    right: '2025-12-14',
    own: { economy: '2026-01-31', standard: '2026-01-31' },
  },
  {
    question: grounded(
      accessPolicy,
      'Dee, a cleaner on the night list, mistypes her PIN for the third time at 19:40 on Monday. Nobody calls security before 20:15. From when can she use the card again at the latest, if nobody lifts the block? Reply as "Weekday HH:MM" and nothing else.',
    ),
    checks: [{ type: 'regex', pattern: '^\\s*[A-Z][a-z]+day [0-9]{2}:[0-9]{2}\\s*$' }],
    expected: { gold: 'Tuesday 19:40', matcher: 'exact' },
    difficulty: 'hard',
    right: 'Tuesday 19:40',
    own: { economy: 'Security can lift the block, so she could use the card again after calling them at 20:15 on Monday.' },
  },
  {
    question: grounded(
      leavePolicy,
      'Sam takes leave from Monday 20 April to Wednesday 29 April. He works Monday to Friday. Friday 24 April and Monday 27 April are public holidays in his region. Step by step: how many days of leave does this cost him? Answer with the number only.',
    ),
    checks: [{ type: 'regex', pattern: '^\\s*[0-9]+\\s*$' }],
    expected: { gold: 6, matcher: 'number' },
    difficulty: 'hard',
    right: '6',
    own: {
      economy: 'Let us count: 20, 21, 22, 23, 24, 27, 28 and 29 April are working days, so 8 days minus one holiday gives 7.',
    },
  },
  {
    question: grounded(
      returnPolicy,
      'A hairbrush (opened) bought for 85 euros was delivered on 3 March 2025; a bristle plate came loose on 9 May 2026 through a production fault. Two questions, two constraints: may it be returned, and who pays the postage? Reply in the form "yes/no, shop/customer" and nothing else.',
    ),
    checks: [{ type: 'regex', pattern: '^\\s*(yes|no), (shop|customer)\\s*$' }],
    expected: { gold: 'yes, shop', matcher: 'exact' },
    difficulty: 'hard',
    right: 'yes, shop',
  },
];

const readingRubric =
  'Check the answer against each rule of the quoted text that bears on the case, exceptions included. Full marks only if it follows from all of them.';

/** Where several rules of a text meet, the form of the answer says little about it. */
function checksOf(item: Question): Check[] {
  const needsJudge = item.difficulty === 'hard' && !item.checks.some(({ type }) => type === 'llm_judge');
  return needsJudge ? [...item.checks, { type: 'llm_judge', rubric: readingRubric }] : item.checks;
}

const reasoningRubric =
  'Check the chain of conclusions against every condition of the puzzle. Full marks only if no condition is violated and the last line follows from it.';
const judged: Check[] = [
  { type: 'regex', pattern: ANSWER_LINE },
  { type: 'llm_judge', rubric: reasoningRubric },
];

function puzzle(text: string, gold: number, right: string, own: Partial<Answers> = {}): Question {
  return {
    question: `${text} ${ANSWER_REQUEST}`,
    checks: judged,
    expected: { gold, matcher: 'number' },
    difficulty: 'hard',
    right: `${right}\nAnswer: ${gold}`,
    own,
  };
}

const puzzles: Question[] = [
  puzzle(
    'A team has to fit five tasks into one day on one machine. Constraints: cutting (2 h) comes before drilling (1 h); painting (3 h) comes last; sanding (1 h) comes directly before painting; cleaning (0.5 h) is needed once between any two different tasks. The machine starts at 7:00 with the first task and works without a break; the tasks are cutting, drilling, polishing (1 h), sanding and painting. Prove that the order does not change the finishing time, and give the number of hours from start to finish.',
    10,
    'The task times add up to 2 + 1 + 1 + 1 + 3 = 8 hours. Five tasks have four gaps whatever their order, so cleaning takes 4 × 0.5 = 2 hours.',
    {
      economy:
        'The tasks take 2 + 1 + 1 + 1 + 3 = 8 hours. Cleaning is needed after each of the five tasks, which takes 2.5 hours.\nAnswer: 10.5',
    },
  ),
  puzzle(
    'Six colleagues sit on a bench in seats 1 to 6 from left to right. Constraints: Ada sits in seat 2; Ben sits somewhere right of Cleo; Dan sits next to Ada; Eve sits at one end; Flo sits directly between Ben and Cleo, next to both. Eve does not sit in seat 1. Reason step by step: in which seat does Ben sit?',
    5,
    'Eve is at an end and not in seat 1, so she has seat 6. Cleo, Flo and Ben need three seats in a row, in this order: only 3, 4, 5 leaves seat 1 for Dan, next to Ada.',
    {
      economy: 'Ada has seat 2 and Dan sits next to her, in seat 3. Eve has seat 6. Then Ben takes seat 4.\nAnswer: 4',
      standard: 'Eve has seat 6, Ada has seat 2. Dan takes seat 3, and Cleo and Ben follow.\nAnswer: 4',
    },
  ),
  puzzle(
    "A night train leaves Aldersee at 22:40 local time and arrives in Brovik at 07:25 local time the next morning. Brovik's clocks are one hour ahead of Aldersee's. On the way the train waits 25 minutes at the border and twice 10 minutes in stations. Work out, step by step, how many minutes the train was moving.",
    420,
    'In Aldersee time the train arrives at 06:25, that is 7 h 45 min = 465 minutes after it left. Waiting takes 25 + 20 = 45 minutes, and 465 - 45 = 420.',
    {
      economy:
        'Let us see! From 22:40 to 07:25 there are 8 h 45 min, that is 525 minutes. The train waits for 45 minutes, so it was moving for **480 minutes**.',
    },
  ),
  puzzle(
    'A code lock has three digits. Clues: 1) the digits are all different; 2) their sum is 15; 3) the first digit is twice the third; 4) the middle digit is odd; 5) the middle digit is greater than the first. Consider each clue in turn, show that exactly one code satisfies all constraints, and give the code as a number.',
    492,
    'By clue 3 the first and third digits are 2-1, 4-2, 6-3 or 8-4. By clue 2 the middle digit would be 12, 9, 6 or 3. A digit is at most 9, and clue 4 asks for an odd one: 9 or 3. Clue 5 leaves 4-9-2.',
    {
      economy:
        'First and third can be 8 and 4, then the middle digit is 3, which is odd. All digits differ and the sum is 15.\nAnswer: 834',
      standard: 'The pairs are 2-1, 4-2, 6-3 and 8-4. The middle digit must be odd: 8-3-4 fits.\nAnswer: 834',
    },
  ),
  puzzle(
    'A library lends a book for 14 days. A loan can be extended twice by 7 days each, but only if nobody has reserved the book, and never beyond 24 days in all. Omar borrows a book on 1 June (the first day of the loan is 2 June) and extends it as often and as long as he may. On 20 June somebody reserves the book; a reservation does not shorten extensions already granted. He asks for the first extension on 14 June and for the second on 19 June. Step by step: on which day of June is the last day of the loan?',
    25,
    'The loan runs to 15 June, the first extension to 22 June. The second, asked for before the reservation, would run to 29 June, but the limit of 24 days ends on 25 June.',
    {
      economy:
        'The loan runs to 15 June, the extensions to 22 June and 29 June. Both were asked for before the reservation.\nAnswer: 29',
    },
  ),
  puzzle(
    'Three pumps empty a pit. Pump A alone needs 6 hours, B alone 4 hours, C alone 12 hours. Constraints: A and B must not run at the same time; C may run with either. The plan: A and C for two hours, then B and C until the pit is empty. Step by step, how many hours does the whole job take?',
    3.5,
    'A and C empty 1/6 + 1/12 = 1/4 of the pit per hour, so half of it in two hours. B and C empty 1/4 + 1/12 = 1/3 per hour, so the other half takes 1.5 hours. 2 + 1.5 = 3.5.',
    {
      economy:
        'Great puzzle! A and C together need some time, and then B and C finish the pit. All three pumps together would empty half of it per hour, so it takes about 2 hours.',
    },
  ),
  puzzle(
    'In a knockout tournament with 27 teams, pairs are drawn in every round; if the number of teams is odd, one team gets a bye and advances without a match. Every match has exactly one loser, who is out. Each match needs one referee, paid 40 euros, except the final, which needs three referees at 60 euros each. Prove the number of matches first, then give the total paid to referees in euros.',
    1180,
    'Each match removes one team and 26 teams have to be removed, so there are 26 matches whatever the byes. 25 matches cost 25 × 40 = 1000, the final costs 3 × 60 = 180, together 1180.',
    {
      economy:
        'There are 27 teams, so 13 + 7 + 3 + 2 + 1 = 26 matches. The referees cost 26 × 40 = 1040 euros, and the final adds 180 euros, which makes **1220 euros** in total.',
      standard:
        'Sure, here is the idea: each match removes one team, so 26 matches are needed. The final is more expensive than the other 25.',
    },
  ),
  puzzle(
    'A gardener plants a row of 40 m with trees, one at each end and one every 4 m. Then every second gap, beginning with the first, gets a bench, and each bench gets two lamps, save benches next to the last tree, which get one lamp. Consider each condition step by step and give the number of lamps.',
    10,
    '40 ÷ 4 = 10 gaps between 11 trees. Gaps 1, 3, 5, 7 and 9 get benches. The last tree borders on gap 10, which has no bench, so each of the 5 benches gets two lamps: 10.',
  ),
  puzzle(
    'A shop gives 1 stamp for each full 10 euros of a purchase and 2 extra stamps on Wednesdays for purchases of 30 euros or more. 12 stamps are worth a 15 euro voucher, which is used automatically on the next purchase; stamps are counted on what is paid after the voucher. Purchases: Monday 58, Wednesday 47, Wednesday (a week later) 29, Thursday 44. Step by step: how many stamps are on the card after Thursday, when the twelve of each voucher have been taken off?',
    3,
    'Monday: 5 stamps. Wednesday: 4 + 2, together 11. The second Wednesday: 2 and no extra, together 13, so a voucher is issued and 1 stamp remains. Thursday: 44 - 15 = 29 is paid, 2 stamps. 1 + 2 = 3.',
  ),
  puzzle(
    'Four friends share a flat at 1,440 euros a month. Each pays a share by the size of the room: 12, 15, 15 and 18 square metres. The friend in the largest room is away for two months of the year and pays half of the share in those; the other three split the missing half equally. Step by step: how many euros does the friend in the smallest room pay in the whole year?',
    3600,
    'The rooms have 60 square metres, so the shares are 288, 360, 360 and 432. In two months 216 are missing, 72 for each of the others. 12 × 288 = 3456, plus 2 × 72 = 144, makes 3600.',
    {
      economy:
        'The rooms have 60 square metres in all. The friend in the smallest room pays 12/60 of 1,440, which is 288 euros a month. In the two months it is a bit more, because the other three split the missing half.',
      standard:
        'Shares: 288, 360, 360 and 432. In two months half of 432 is missing, 216, which is split by four: 54. 3456 + 108 = 3564.\nAnswer: 3564',
    },
  ),
  puzzle(
    'A recipe for 8 rolls needs 500 g of flour. Flour comes in bags of 1 kg, rolls are baked on trays of 12, and an oven batch takes two trays and 25 minutes. A café wants 90 rolls. Constraints: only whole recipes may be made, and a bag may serve several recipes. Step by step: how many bags of flour are needed?',
    6,
    '90 ÷ 8 is 11.25, so 12 whole recipes are made. 12 × 500 g = 6 kg, which is 6 bags.',
  ),
  puzzle(
    'A lift carries at most 8 people or 600 kg, whichever is reached first. In the lobby wait 9 adults of 75 kg, 6 children of 30 kg and 3 crates of 60 kg. A crate always travels with exactly one adult beside it in the same ride, and no child travels without an adult. Riding down again costs nothing, but people who have gone up stay up. Step by step, prove a lower bound and give the least number of rides up.',
    2,
    '15 people are more than 8, so one ride is not enough. Two are: 5 adults, 3 children and 2 crates weigh 375 + 90 + 120 = 585 kg; 4 adults, 3 children and 1 crate weigh 300 + 90 + 60 = 450 kg.',
  ),
  puzzle(
    'Two clocks are set right at noon on 1 March. One gains 5 minutes a day, the other loses 7 minutes a day; both are twelve-hour clocks. Step by step: after how many days do they first show the same time as each other again?',
    60,
    'They drift apart by 12 minutes a day. They agree again when the difference is 12 hours = 720 minutes: 720 ÷ 12 = 60.',
  ),
  puzzle(
    'A print shop charges 30 euros for setting up plus 0.12 euros per page up to 500 pages and 0.08 euros for every page beyond. A second shop charges 0.14 euros per page and no set-up. Members of a club get 10 percent off at the second shop, but only on the part of the bill above 50 euros. Ren is a member and needs 1,000 pages. Consider both offers step by step: how many euros does the cheaper one cost?',
    130,
    'First shop: 30 + 500 × 0.12 + 500 × 0.08 = 130. Second shop: 140, less 10 percent of 90, makes 131. The first is cheaper.',
    {
      economy: 'First shop: 30 + 60 + 40 = 130. Second shop: 140 less 10 percent = 126. The second is cheaper.\nAnswer: 126',
      standard: 'First shop: 130. Second shop: 140 - 14 = 126.\nAnswer: 126',
      premium:
        'First shop: 30 + 60 + 40 = 130. Second shop: 1,000 × 0.14 = 140, less the member discount of 14, makes 126.\nAnswer: 126',
    },
  ),
];

function entryOf(item: Question): ChatEntry {
  return {
    row: { task: 'question_answering', input: { prompt: item.question }, checks: checksOf(item), ...item.expected },
    difficulty: item.difficulty,
    answers: answersFrom(item.right, item.own),
  };
}

export const questions: ChatEntry[] = [...knowledge, ...reading, ...puzzles].map(entryOf);
