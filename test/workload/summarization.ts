import {
  answersByPlan,
  answersFrom,
  ALL_RIGHT,
  type Answers,
  type ChatEntry,
  type Difficulty,
  type Outcome,
  type Plan,
  type Tier,
} from './entry.ts';
import { at, Random } from './random.ts';

type Article = {
  text: string;
  request: string;
  maxWords: number;
  /** Facts a right summary of this text cannot do without, worded so that a swapped fact misses them. */
  gold: string[];
  difficulty: Difficulty;
  answers: Answers;
};

const oneSentence = 'Summarize the text in one sentence of at most 30 words.';
const twoSentences = 'Summarize the text in at most 45 words.';
const strict =
  'Summarize the report below. Constraints: at most 50 words; name the cause, not only the effect; keep the figures that changed and in which direction; do not mention anybody by name; no headings.';

const articles: Article[] = [
  {
    request: oneSentence,
    maxWords: 30,
    difficulty: 'easy',
    gold: ['library', 'Sunday'],
    text: 'From October the town library will open on Sundays between 11 and 16. The council had tested the opening for three months, and the reading rooms were full on most of the days. Books can be returned at the machine next to the door at any time, as before.',
    answers: answersFrom(
      'After a successful three-month test, the town library will open on Sundays from 11 to 16, starting in October.',
      { economy: 'The town library will open on Sundays from October, because the test was a success.' },
    ),
  },
  {
    request: oneSentence,
    maxWords: 30,
    difficulty: 'easy',
    gold: ['bridge', 'May'],
    text: 'The footbridge over the Aller is closed until the end of May. Inspectors found rust in two of the four bearings, which now have to be replaced. Walkers are asked to use the road bridge, ten minutes downstream.',
    answers: answersFrom(
      'The footbridge over the Aller stays closed until the end of May while two rusty bearings are replaced.',
      {
        premium:
          'Because two bearings are rusty, the footbridge over the Aller is closed until the end of May; the road bridge downstream is the alternative.',
      },
    ),
  },
  {
    request: oneSentence,
    maxWords: 30,
    difficulty: 'easy',
    gold: ['hives'],
    text: 'A primary school in the north of the city keeps two bee hives on its roof. The pupils of the fourth year look after them with a retired beekeeper and sell the honey at the summer fair. Last year the jars were gone in an hour.',
    answers: answersFrom(
      'Fourth-year pupils of a city primary school tend two bee hives on the roof and sell the honey at the summer fair.',
    ),
  },
  {
    request: twoSentences,
    maxWords: 45,
    difficulty: 'easy',
    gold: ['free', 'tram'],
    text: 'On the first Saturday of each month, trams and buses in the city will be free. The transport company hopes to win passengers who have not used its lines for years. Night lines and the airport line are not part of the offer, which will be reviewed after twelve months.',
    answers: answersFrom(
      'Trams and buses will be free on the first Saturday of each month, apart from night lines and the airport line. The offer is meant to win back passengers and will be reviewed after a year.',
    ),
  },
  {
    request: oneSentence,
    maxWords: 30,
    difficulty: 'easy',
    gold: ['potato'],
    text: 'Growers in the valley expect a good potato harvest. The spring was wet, the summer mild, and the beetles stayed away. Prices at the farm gate are likely to fall a little.',
    answers: answersFrom(
      'Thanks to kind weather and few beetles, the valley expects a good potato harvest and slightly lower prices.',
    ),
  },
  {
    request: twoSentences,
    maxWords: 45,
    difficulty: 'easy',
    gold: ['museum', 'ticket'],
    text: 'The clock museum sells tickets for fixed times only from now on. On weekends the queue had reached the car park. Members still enter whenever they like, and the museum keeps twenty places per hour for guests who come without a ticket.',
    answers: answersFrom(
      'The clock museum now sells tickets for fixed times because of long queues. Members are exempt, and twenty places per hour remain for guests without a ticket.',
    ),
  },
  {
    request: twoSentences,
    maxWords: 45,
    difficulty: 'medium',
    gold: ['repair', '2030'],
    text: 'A firm from Ghent wants to take back every coffee machine it sells from 2030 on. Today about a third come back, most of them with a broken pump. The pumps will be repaired in a workshop of its own, and machines beyond repair are to become spare parts. The firm says that a repaired machine uses a quarter of the material of a new one.',
    answers: answersFrom(
      'A firm from Ghent plans to take back all its coffee machines from 2030, repair their pumps and use the rest as spare parts; today about a third come back.',
    ),
  },
  {
    request: twoSentences,
    maxWords: 45,
    difficulty: 'medium',
    gold: ['from 12 to 9', 'nurses'],
    text: 'The clinic has changed the rota on its largest ward. Where twelve hours used to be the normal shift, it is now nine, with an overlap of an hour at midday. Nurses had asked for it since last winter. Sick leave fell in the first quarter; overtime rose slightly because the handover takes longer than planned.',
    answers: answersFrom(
      'After requests from its nurses, a clinic cut shifts on its largest ward from 12 to 9 hours. Sick leave fell, while longer handovers raised overtime slightly.',
      {
        economy:
          'A clinic has lengthened shifts on its largest ward from 9 to 12 hours, as nurses had asked. Sick leave fell and overtime rose slightly.',
      },
    ),
  },
  {
    request: twoSentences,
    maxWords: 45,
    difficulty: 'medium',
    gold: ['eels', 'lamps'],
    text: 'Engineers at a hydroelectric plant on the Weser have found that eels avoid blue light. Since lamps were hung in front of the inlet, four in five eels take the bypass instead of the turbine. Salmon do not mind the light, so the old screens have to stay for them.',
    answers: answersFrom(
      'Blue lamps at a hydroelectric plant keep four in five eels out of the turbine and on the bypass. Salmon ignore the light, so the screens remain.',
    ),
  },
  {
    request: twoSentences,
    maxWords: 45,
    difficulty: 'medium',
    gold: ['second-hand', 'returns'],
    text: "An online shop for children's clothes sells its returns as second-hand goods, even those that were never worn. Checking and folding a new garment for resale costs more than the shop earns with it, the founder says. Customers see a photo of the very piece. In the first year, 60,000 garments found a second home.",
    answers: answersFrom(
      "An online shop for children's clothes sells all its returns as second-hand goods, because restoring them as new costs too much. It sold 60,000 garments in the first year.",
    ),
  },
  {
    request: twoSentences,
    maxWords: 45,
    difficulty: 'medium',
    gold: ['rejected', 'petition'],
    text: 'The council has turned down the plan to cut down the lime trees in Mill Street. A petition against it had gathered 2,300 names in ten days. The pavement, which the roots have lifted, will be raised instead. That costs twice as much and takes until spring.',
    answers: answersFrom(
      'After a petition with 2,300 names, the council rejected the felling of the lime trees in Mill Street. The pavement will be raised instead, at twice the cost.',
      {
        economy:
          'The council has approved a petition to cut down the lime trees in Mill Street, because the roots have lifted the pavement. The work takes until spring.',
      },
    ),
  },
  {
    request: twoSentences,
    maxWords: 45,
    difficulty: 'medium',
    gold: ['volunteers', 'night'],
    text: 'In Oslo, volunteers drive a night bus for people who have nowhere to sleep. It stops at five places and carries soup, blankets and a nurse. The city pays for the fuel. What is missing is drivers for the hours between two and five, when the bus is needed most.',
    answers: answersFrom(
      'In Oslo, volunteers run a night bus with soup, blankets and a nurse for homeless people; the city pays the fuel, but drivers for the small hours are missing.',
    ),
  },
  {
    request: strict,
    maxWords: 50,
    difficulty: 'hard',
    gold: ['rose from 61 to 74', 'frost', 'fell'],
    text: 'Harvest report. In spring the board had expected 80 tonnes of apples, after 61 in the year before. The frost of 21 April, which hit the lower fields, cost about a tenth of the blossom. Ms Arden, who has run the orchard since 2011, still brought in 74 tonnes, since the new upper field bore for the first time. The price per kilo went down from 92 to 85 cents because neighbours who had no frost harvested more than ever. Mr Holm has sold his shares meanwhile, which has no influence on this report.',
    answers: answersFrom(
      'The apple harvest rose from 61 to 74 tonnes, below the expected 80, because an April frost hit the lower fields while a new field bore. The price per kilo fell from 92 to 85 cents.',
      {
        economy:
          'The apple harvest fell from 80 to 74 tonnes because of the frost of 21 April. The price per kilo rose from 85 to 92 cents, since less fruit was on the market.',
        standard:
          'Frost cost a tenth of the blossom, yet the orchard brought in 74 tonnes instead of 80 in the year before. The price per kilo fell from 92 to 85 cents.',
      },
    ),
  },
  {
    request: strict,
    maxWords: 50,
    difficulty: 'hard',
    gold: ['valve', 'not the pump', 'from 40 to 31'],
    text: 'Report on the swimming hall. Guests had complained since January that the water was cold, and the first suspicion fell on the pump, which was replaced in February at a price of 18,000. It changed nothing. In March Mr Ebers found a valve that had been fitted the wrong way round during the renovation. The old pump had been sound. Since the valve was turned, the heating runs 31 hours a week where it used to run 40, and the water is two degrees warmer. The supplier of the pump has offered to take it back at half price.',
    answers: answersFrom(
      'Cold water in the swimming hall came from a valve fitted the wrong way round, not the pump that was replaced for 18,000. Since the repair, heating hours fell from 40 to 31 a week and the water is two degrees warmer.',
      {
        economy:
          'Report summary: The swimming hall had cold water since January. The pump was suspected and replaced in February, which cost 18,000. Then in March Mr Ebers found a valve. After that the water got warmer. The supplier offered to take the pump back at half price, which would be good news for the hall and all of its many guests who had complained.',
      },
    ),
  },
  {
    request: strict,
    maxWords: 50,
    difficulty: 'hard',
    gold: ['4 percent', 'from 9 to 6', 'app'],
    text: 'Quarterly note on the city bikes. Rides went down by 4 percent although the number of registered users grew by 11 percent. The survey explains it: most of the new users registered for the free first ride and did not return, since the app asks for a payment card before it shows the map. Regular users, on the other hand, rode more often, and damage per thousand rides dropped from 9 to 6, which the workshop puts down to the new saddles. Ms Tran suggests showing the map first. The board decides in June.',
    answers: answersFrom(
      'City bikes saw 4 percent fewer rides despite 11 percent more users, as new users leave when the app demands a card before the map. Damage per thousand rides fell from 9 to 6 thanks to new saddles.',
      {
        economy:
          'City bike rides grew by 11 percent this quarter, and damage rose from 6 to 9 per thousand rides because of the new saddles. The app will show the map first.',
        standard:
          'City bike users grew by 11 percent, yet rides went down by 4 percent because regular users rode less often. Damage per thousand rides fell from 9 to 6 thanks to new saddles.',
        premium:
          'Rides went down 4 percent despite 11 percent more users, because the app asks new users for a card first. Damage per thousand rides decreased from 9 to about 6.5 with the new saddles.',
      },
    ),
  },
  {
    request: strict,
    maxWords: 50,
    difficulty: 'hard',
    gold: ['wages', 'from 3.1 to 2.4', 'profit'],
    text: 'Annual letter of the bakery cooperative. Sales passed 20 million for the first time, yet the profit shrank from 3.1 to 2.4 million. Flour, the usual suspect, was in fact cheaper than the year before. What grew was wages: the cooperative raised them by 8 percent in March, a year before the collective agreement would have forced it to. In return, 14 people fewer than in the previous year gave notice. Ms Okafor, the chair, calls the profit "the right size".',
    answers: answersFrom(
      "Despite record sales above 20 million, the cooperative's profit fell from 3.1 to 2.4 million, because it raised wages by 8 percent early; flour was cheaper. In return, fewer people gave notice.",
      {
        economy:
          'The bakery cooperative passed 20 million in sales, but profit fell to 2.4 million because flour and energy became more expensive. Fourteen people gave notice, and wages will rise by 8 percent next year.',
      },
    ),
  },
  {
    request: strict,
    maxWords: 50,
    difficulty: 'hard',
    gold: ['26 to 18', 'tested'],
    text: 'Study note. Two groups of 60 pupils learned the same list of words. One group read it four times; the other read it once and was tested on it three times, without being told the results. Right after learning, the readers knew more: 41 words against 37. A week later the order was reversed: the readers knew 18, the tested pupils 26. When the tested pupils were told their results, nothing improved further. The authors, Lind and Moreau, conclude that the attempt to remember does the work.',
    answers: answersFrom(
      'Right after learning, pupils who reread a list knew more words than tested pupils (41 against 37); a week later the tested ones led by 26 to 18. The cause is the attempt to remember, not hearing the result.',
      {
        economy:
          'Summary:\n\nTwo groups of pupils learned a list of words in a study by Lind and Moreau. The first group read the list four times and the second group was tested. Right after learning the readers knew 41 words and the others 37 words. A week later, the readers knew 18 words and the tested group 26 words. The authors conclude that the attempt to remember does the work, and being told the result does not matter.',
      },
    ),
  },
  {
    request: strict,
    maxWords: 50,
    difficulty: 'hard',
    gold: ['backup', 'expired', '5 hours'],
    text: "Incident summary for the board. On Sunday at 6:10 the booking page went down; it came back at 11:10. The database itself was never damaged. An expired certificate stopped the nightly backup on Thursday, and nobody read the warning, since the mailbox for it belonged to Mr Falk, who retired in May. Without a fresh backup the disk kept its old logs, and on Sunday it was full. About 340 bookings could not be made; most of these guests called later. All such warnings now go to the team's shared channel.",
    answers: answersFrom(
      'The booking page was down for 5 hours because an expired certificate had stopped the backup, so old logs filled the disk and the warning went to an unread mailbox. About 340 bookings were affected; warnings now reach the team.',
      {
        economy:
          'The booking page was down for 11 hours on Sunday because the database was damaged and Mr Falk had retired. About 340 bookings were lost, and a new database is planned.',
      },
    ),
  },
];

type Report = { text: string; gold: string[]; right: (tier: Tier) => string; slip: string; rambling: string };
type ReportTemplate = {
  request: string;
  maxWords: number;
  difficulty: Difficulty;
  plans: Plan[];
  write: (index: number, random: Random) => Report;
};

const shopReports: ReportTemplate = {
  request: twoSentences,
  maxWords: 45,
  difficulty: 'medium',
  plans: [ALL_RIGHT, ALL_RIGHT, ['misformat', 'right', 'right'], ALL_RIGHT, ALL_RIGHT, ALL_RIGHT],
  write: (index, random) => {
    const town = at(['Leeds', 'Aarhus', 'Graz', 'Nantes', 'Girona', 'Malmö'], index);
    const goods = at(['bicycle tyres', 'house plants', 'winter coats', 'board games', 'tea', 'notebooks'], index);
    const before = random.between(210, 480);
    const now = before + random.between(20, 90);
    const returned = random.between(3, 9);
    return {
      text: `Monthly report of the shop in ${town}. Visitors: ${now} a day on average (previous month: ${before}). The best-selling goods were ${goods}, mostly on Saturdays. ${returned} percent of all goods came back, as usual. The heating of the back room failed twice and has been repaired. The window was decorated by the apprentices, and several customers asked who had done it.`,
      gold: [town, goods, `from ${before} to ${now}`],
      right: (tier) =>
        tier === 'premium'
          ? `In ${town}, daily visitors rose from ${before} to ${now}, with ${goods} selling best. Returns stayed at ${returned} percent, and the heating was repaired.`
          : `Visitors to the shop in ${town} rose from ${before} to ${now} a day. Best sellers were ${goods}; returns stayed at ${returned} percent.`,
      slip: `Visitors to the shop in ${town} fell from ${now} to ${before} a day. Best sellers were ${goods}; returns stayed at ${returned} percent.`,
      rambling: `Here is a summary of the monthly report. The shop in ${town} had many visitors this month, more than in the previous month. The best-selling goods were ${goods}, and they were sold mostly on Saturdays. A few goods came back, as usual. The heating of the back room failed twice but has been repaired. The window was decorated by the apprentices, and several customers asked who had done it, which is nice.`,
    };
  },
};

const outageReports: ReportTemplate = {
  request: strict,
  maxWords: 50,
  difficulty: 'hard',
  plans: [
    ['slip', 'slip', 'right'],
    ['misformat', 'right', 'right'],
    ALL_RIGHT,
    ['misformat', 'slip', 'right'],
    ['misformat', 'misformat', 'right'],
    ALL_RIGHT,
  ],
  write: (index, random) => {
    const engineer = at(['Ms Adler', 'Mr Ito', 'Ms Novak', 'Mr Bright', 'Ms Salah', 'Mr Costa'], index);
    const service = at(['search', 'payments', 'the map', 'sign-in', 'the stock feed', 'the chat'], index);
    const culprit = at(
      [
        'a cache that was too small',
        'a clock that ran ahead',
        'a missing index',
        'a retry loop',
        'a wrong time zone',
        'a full queue',
      ],
      index,
    );
    const suspect = at(['the network', 'the new release', 'a supplier', 'the load balancer', 'an attack', 'the database'], index);
    const [slow, fast, users] = [random.between(700, 980), random.between(120, 260), random.between(11, 46) * 100];
    return {
      text: `Review of last week's trouble with ${service}. On Tuesday replies began to take ${slow} ms instead of the usual ${fast}; about ${users} users noticed. The first hours went into ${suspect}, which everybody blamed and which turned out to be in perfect order. On Wednesday ${engineer} found ${culprit}, in place since the move in spring but harmless until the traffic of this month. It was corrected at noon, and at 12:20 replies took ${fast} ms again. ${engineer} proposes an alarm at 400 ms. The review also thanks the support team, who answered 90 mails in a day.`,
      gold: [culprit, `from ${slow} to ${fast}`],
      right: (tier) =>
        tier === 'premium'
          ? `The cause of the trouble with ${service} was ${culprit}, harmless until traffic grew; ${suspect} was blamed wrongly. Once corrected, reply times fell from ${slow} to ${fast} ms. About ${users} users noticed, and an alarm at 400 ms is proposed.`
          : `Slow replies of ${service}, noticed by about ${users} users, were caused by ${culprit} and wrongly blamed on ${suspect}. After the correction reply times fell from ${slow} to ${fast} ms.`,
      slip: `Slow replies of ${service}, noticed by about ${users} users, were caused by ${suspect}. After the correction on Wednesday reply times fell from ${slow} to 400 ms.`,
      rambling: `Summary: Last week there was some trouble with ${service}. Replies took longer than usual and about ${users} users noticed it. Everybody blamed ${suspect} at first, and the first hours went into that. On Wednesday ${engineer} found the problem, which had been in place since the move in spring. It was corrected at noon. ${engineer} proposes an alarm at 400 ms, and the review also thanks the support team.`,
    };
  },
};

function articleFrom(template: ReportTemplate, plan: Plan, index: number): Article {
  const report = template.write(index, new Random(`summarization ${template.difficulty} ${index}`));
  const write = (outcome: Outcome, tier: Tier): string => {
    if (outcome === 'right') return report.right(tier);
    return outcome === 'slip' ? report.slip : report.rambling;
  };
  return { ...template, text: report.text, gold: report.gold, answers: answersByPlan(plan, write) };
}

const reports = [shopReports, outageReports].flatMap((template) =>
  template.plans.map((plan, index) => articleFrom(template, plan, index)),
);

function entryOf(article: Article): ChatEntry {
  return {
    row: {
      task: 'summarization',
      input: {
        messages: [
          { role: 'system', content: article.request },
          { role: 'user', content: article.text },
        ],
        max_output_tokens: 160,
      },
      checks: [
        { type: 'length', min_words: 8, max_words: article.maxWords },
        {
          type: 'llm_judge',
          rubric:
            'Every statement of the summary is in the text with the same numbers, direction and cause; the main point is there; the constraints of the request are kept.',
        },
      ],
      gold: article.gold,
      matcher: 'contains_all',
    },
    difficulty: article.difficulty,
    answers: article.answers,
  };
}

export const summarization: ChatEntry[] = [...articles, ...reports].map(entryOf);
