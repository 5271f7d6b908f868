import {
  ALL_RIGHT,
  answersByPlan,
  type ChatEntry,
  type Difficulty,
  type JsonSchema,
  type MessagesInput,
  type Outcome,
  type Plan,
} from './entry.ts';
import { at, Random } from './random.ts';

/** One document to extract from, with the record it holds and a mistake that still fits the schema. */
type Document = {
  instruction: string;
  text: string;
  schema: JsonSchema;
  record: Record<string, unknown>;
  slipped: Record<string, unknown>;
  prose: string;
};
type Template = { name: string; difficulty: Difficulty; plans: Plan[]; write: (index: number, random: Random) => Document };

const text: JsonSchema = { type: 'string' };
const amount: JsonSchema = { type: 'number' };
const whole: JsonSchema = { type: 'integer' };
const day: JsonSchema = { type: 'string', pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' };

function record(properties: Record<string, JsonSchema>): JsonSchema {
  return { type: 'object', properties, required: Object.keys(properties), additionalProperties: false };
}

function listOf(items: JsonSchema): JsonSchema {
  return { type: 'array', items, minItems: 1 };
}

function cents(value: number): number {
  return Math.round(value * 100) / 100;
}

function money(value: number): string {
  return value.toFixed(2);
}

const monthNames = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

function isoDay(year: number, month: number, dayOfMonth: number): string {
  return `${year}-${String(month).padStart(2, '0')}-${String(dayOfMonth).padStart(2, '0')}`;
}

function spokenDay(month: number, dayOfMonth: number): string {
  return `${dayOfMonth} ${at(monthNames, month - 1)}`;
}

const people = [
  ['Ines', 'Castellan'],
  ['Tobias', 'Wren'],
  ['Amara', 'Diallo-Reyes'],
  ['Jun', 'Hoshino'],
  ['Petra', 'Vlk'],
  ['Samuel', 'Oduya'],
  ['Lotte', 'Brinkhof'],
  ['Rafael', 'Quiroga'],
  ['Nadia', 'Benhaddou'],
  ['Erik', 'Sundgaard'],
  ['Maeve', 'Corrigan'],
  ['Dario', 'Fontanelli'],
] as const;
const companies = [
  'Harbour & Lime',
  'Nordfell Timber',
  'Quillwork Press',
  'Bluebell Dental',
  'Tandem Freight',
  'Osterley Glass',
  'Pinecone Robotics',
  'Maison Verdier',
  'Copperfield Tiles',
  'Saltmarsh Foods',
  'Ironbridge Audio',
  'Kestrel Optics',
];

function personAt(index: number): { name: string; first: string; last: string } {
  const [first, last] = at(people, index);
  return { name: `${first} ${last}`, first, last };
}

const signatures = [
  (contact: Contact) =>
    `Thanks for the call earlier, the samples go out tomorrow.\n\n${contact.name}\n${contact.company}\n${contact.email}\n${contact.phone}`,
  (contact: Contact) =>
    `Hello, it was good to meet you at the fair. I work for ${contact.company} and you reach me at ${contact.email} or on ${contact.phone}. See you, ${contact.name}`,
  (contact: Contact) =>
    `Our new buyer is ${contact.name} (${contact.company}), mobile ${contact.phone}, mail ${contact.email}. The old buyer left in June.`,
];
type Contact = { name: string; company: string; email: string; phone: string };

const contacts: Template = {
  name: 'contact',
  difficulty: 'easy',
  plans: Array.from({ length: 9 }, () => ALL_RIGHT),
  write: (index, random) => {
    const person = personAt(index);
    const company = at(companies, index * 5 + 1);
    const domain = company.toLowerCase().replaceAll(/[^a-z]+/g, '-');
    const contact: Contact = {
      name: person.name,
      company,
      email: `${person.first.toLowerCase()}@${domain}.example`,
      phone: `+44 20 7946 0${random.between(100, 999)}`,
    };
    return {
      instruction:
        'Extract the contact from the message. Reply with one JSON object with the keys name, company, email and phone, and nothing else.',
      text: at(signatures, index)(contact),
      schema: record({ name: text, company: text, email: text, phone: text }),
      record: contact,
      slipped: { ...contact, company: domain },
      prose: `The contact is ${contact.name} from ${contact.company}.`,
    };
  },
};

const meetings: Template = {
  name: 'meeting',
  difficulty: 'medium',
  plans: [
    ALL_RIGHT,
    ALL_RIGHT,
    ['misformat', 'right', 'right'],
    ALL_RIGHT,
    ALL_RIGHT,
    ['misformat', 'right', 'right'],
    ALL_RIGHT,
    ALL_RIGHT,
    ALL_RIGHT,
  ],
  write: (index, random) => {
    const [host, guest, moved] = [personAt(index + 2), personAt(index + 7), random.between(9, 11)];
    const month = random.between(3, 11);
    const firstDay = random.between(3, 12);
    const topic = at(
      ['shelf plan', 'spring price list', 'warehouse move', 'packaging test', 'call centre rota', 'returns policy'],
      index,
    );
    const meeting = {
      topic,
      date: isoDay(2026, month, firstDay + 2),
      start: `${String(moved).padStart(2, '0')}:30`,
      duration_minutes: 45,
      attendees: [host.first, guest.first],
    };
    return {
      instruction:
        'Read the mail and return the meeting that was agreed in the end as JSON: topic, date (YYYY-MM-DD), start (HH:MM, 24 h), duration_minutes, attendees (first names, in the order they are named). The year is 2026.',
      text: `Hi both, ${host.first} here. We wanted to go through the ${topic} on ${spokenDay(month, firstDay)} at ${moved}:00, but the room is taken. So ${spokenDay(month, firstDay + 2)} at ${moved}:30 it is, three quarters of an hour, only ${host.first} and ${guest.first}.`,
      schema: record({ topic: text, date: day, start: text, duration_minutes: whole, attendees: listOf(text) }),
      record: meeting,
      slipped: { ...meeting, date: isoDay(2026, month, firstDay) },
      prose: `The meeting about the ${topic} was moved to ${spokenDay(month, firstDay + 2)} at ${moved}:30 and lasts 45 minutes.`,
    };
  },
};

const invoices: Template = {
  name: 'invoice',
  difficulty: 'medium',
  plans: [
    ALL_RIGHT,
    ['misformat', 'right', 'right'],
    ALL_RIGHT,
    ALL_RIGHT,
    ALL_RIGHT,
    ALL_RIGHT,
    ['misformat', 'right', 'right'],
    ALL_RIGHT,
    ['slip', 'slip', 'right'],
    ALL_RIGHT,
  ],
  write: (index, random) => {
    const vendor = at(companies, index);
    const currency = at(['EUR', 'GBP', 'USD'], index);
    const net = cents(random.between(8000, 96000) / 100);
    const tax = cents(net * 0.2);
    const deposit = 25;
    const month = random.between(1, 12);
    const issued = random.between(1, 14);
    const invoice = {
      invoice_number: `${vendor.slice(0, 2).toUpperCase()}-${random.between(10000, 99999)}`,
      vendor,
      issued_on: isoDay(2026, month, issued),
      due_on: isoDay(2026, month, issued + 14),
      currency,
      amount_due: cents(net + tax - deposit),
    };
    return {
      instruction:
        'Extract the invoice as JSON with invoice_number, vendor, issued_on, due_on (both YYYY-MM-DD), currency (ISO code) and amount_due (the sum that is still to be paid, as a number).',
      text: [
        `${vendor}   INVOICE ${invoice.invoice_number}`,
        `Date of issue: ${spokenDay(month, issued)} 2026     Payable within 14 days`,
        `Net ............ ${money(net)}`,
        `VAT 20 % ....... ${money(tax)}`,
        `Total .......... ${money(net + tax)} ${currency}`,
        `Deposit received ${money(deposit)}, with thanks. Please quote the invoice number with your payment.`,
      ].join('\n'),
      schema: record({
        invoice_number: text,
        vendor: text,
        issued_on: day,
        due_on: day,
        currency: { type: 'string', enum: ['EUR', 'GBP', 'USD'] },
        amount_due: amount,
      }),
      record: invoice,
      slipped: { ...invoice, amount_due: cents(net + tax) },
      prose: `Invoice ${invoice.invoice_number} from ${vendor}: ${money(invoice.amount_due)} ${currency} is due on ${spokenDay(month, issued + 14)}.`,
    };
  },
};

const goods = [
  ['HX-10', 'hex bolt, box of 100'],
  ['WT-22', 'wall tile, matt white'],
  ['LB-07', 'linen bag, large'],
  ['CF-31', 'coffee filter, size 4'],
  ['PN-15', 'pine shelf, 80 cm'],
  ['GL-44', 'garden gloves, pair'],
  ['SC-09', 'soy candle, unscented'],
  ['BT-63', 'beech tray'],
] as const;

const purchaseOrders: Template = {
  name: 'purchase order',
  difficulty: 'hard',
  plans: [
    ['misformat', 'right', 'right'],
    ['slip', 'misformat', 'right'],
    ['misformat', 'misformat', 'right'],
    ALL_RIGHT,
    ['slip', 'right', 'right'],
    ['misformat', 'right', 'right'],
    ['misformat', 'slip', 'slip'],
    ['misformat', 'slip', 'right'],
    ['misformat', 'right', 'right'],
    ALL_RIGHT,
    ['misformat', 'misformat', 'right'],
  ],
  write: (index, random) => {
    const buyer = personAt(index + 4);
    const lines = [0, 1, 2].map((offset) => {
      const [sku, label] = at(goods, index + offset * 3);
      return { sku, label, quantity: random.between(3, 18), unit_price: cents(random.between(240, 4990) / 100) };
    });
    const [first, second, third] = [at(lines, 0), at(lines, 1), at(lines, 2)];
    const corrected = second.quantity + random.between(2, 9);
    const shipping = cents(random.between(590, 1890) / 100);
    const sumWith = (secondQuantity: number) =>
      cents(first.quantity * first.unit_price * 0.9 + secondQuantity * second.unit_price + shipping);
    const order = {
      order_number: `PO-${random.between(60000, 79999)}`,
      buyer: buyer.name,
      items: [
        { sku: first.sku, quantity: first.quantity, unit_price: first.unit_price, discount_percent: 10 },
        { sku: second.sku, quantity: corrected, unit_price: second.unit_price, discount_percent: 0 },
      ],
      shipping,
      grand_total: sumWith(corrected),
    };
    return {
      instruction: [
        'Turn the mail thread into one JSON purchase order. Constraints:',
        '1. Keys: order_number, buyer, items, shipping, grand_total; each item has sku, quantity, unit_price, discount_percent.',
        '2. Later mails overrule earlier ones; a cancelled line does not appear at all.',
        '3. grand_total = sum over the items of quantity × unit_price after its discount, plus shipping, rounded to two decimals.',
        '4. Work it out step by step, but return the JSON object only.',
      ].join('\n'),
      text: [
        `Mail 1, from ${buyer.name}:`,
        `Hello, please book order ${order.order_number} for us:`,
        ...lines.map((line) => `- ${line.quantity} x ${line.sku} (${line.label}) at ${money(line.unit_price)}`),
        '',
        'Mail 2, from sales:',
        `Gladly. Shipping would be ${money(shipping)}. On ${first.sku} we can give you 10 percent this month. ${third.sku} is sold out until autumn, sorry.`,
        '',
        `Mail 3, from ${buyer.name}:`,
        `Then drop ${third.sku} altogether, make it ${corrected} of ${second.sku} instead of ${second.quantity}, and leave ${first.sku} as it is. Shipping is fine.`,
      ].join('\n'),
      schema: record({
        order_number: text,
        buyer: text,
        items: listOf(record({ sku: text, quantity: whole, unit_price: amount, discount_percent: amount })),
        shipping: amount,
        grand_total: amount,
      }),
      record: order,
      slipped: { ...order, grand_total: cents(order.grand_total + first.quantity * first.unit_price * 0.1) },
      prose: `Order ${order.order_number} by ${buyer.name} has two lines, ${first.sku} and ${second.sku}, and costs ${money(order.grand_total)} with shipping.`,
    };
  },
};

const cities = ['Lisbon', 'Vienna', 'Oslo', 'Ghent', 'Turin', 'Cork', 'Basel', 'Gdansk'];

const itineraries: Template = {
  name: 'itinerary',
  difficulty: 'hard',
  plans: [
    ['slip', 'misformat', 'right'],
    ['misformat', 'right', 'right'],
    ALL_RIGHT,
    ['misformat', 'slip', 'slip'],
    ['misformat', 'right', 'right'],
    ['misformat', 'right', 'right'],
  ],
  write: (index, random) => {
    const traveller = personAt(index + 9);
    const [home, middle, far] = [at(cities, index), at(cities, index + 3), at(cities, index + 5)];
    const month = random.between(2, 11);
    const start = random.between(2, 15);
    const flights = [0, 1, 2].map(() => `UX${random.between(200, 899)}`);
    const nights = random.between(2, 4);
    const legs = [
      { from: home, to: middle, date: isoDay(2026, month, start + 1), flight: at(flights, 0) },
      { from: middle, to: far, date: isoDay(2026, month, start + 1 + nights), flight: at(flights, 1) },
      { from: far, to: home, date: isoDay(2026, month, start + 4 + nights), flight: at(flights, 2) },
    ];
    const trip = { traveller: traveller.name, legs, nights_in_total: nights + 3 };
    return {
      instruction: [
        'Extract the final itinerary from the notes as JSON: traveller, legs (from, to, date as YYYY-MM-DD, flight) in order of travel, nights_in_total.',
        'The year is 2026. Where the notes correct themselves, only the correction counts, and every later date moves with it. Return the JSON only.',
      ].join('\n'),
      text: [
        `Travel notes for ${traveller.name}, typed during the call:`,
        `Out of ${home} on ${spokenDay(month, start)} with ${at(flights, 0)} to ${middle}. Stays ${nights} nights in ${middle}.`,
        `Then on to ${far}, same day as check-out, flight ${at(flights, 1)}. Three nights there.`,
        `Flies home from ${far} with ${at(flights, 2)} on the day of the last check-out.`,
        `Correction at the end of the call: starts one day later than I wrote above, everything else keeps its length.`,
      ].join('\n'),
      schema: record({
        traveller: text,
        legs: listOf(record({ from: text, to: text, date: day, flight: text })),
        nights_in_total: whole,
      }),
      record: trip,
      slipped: {
        ...trip,
        legs: legs.map((leg, position) => (position === 2 ? { ...leg, date: isoDay(2026, month, start + 3 + nights) } : leg)),
      },
      prose: `${traveller.name} flies from ${home} to ${middle}, then to ${far} and home again.`,
    };
  },
};

/** The ways small models break a JSON answer, in turn. */
function broken(document: Document, index: number): string {
  const whole = JSON.stringify(document.record, null, 2);
  const lastKey = at(Object.keys(document.record).toReversed(), 0);
  const ways = [
    () => document.prose,
    () => JSON.stringify({ ...document.record, [lastKey]: undefined }),
    () => whole.slice(0, Math.floor(whole.length * 0.7)),
    () => JSON.stringify({ ...document.record, [lastKey]: `approx. ${JSON.stringify(document.record[lastKey])}` }),
  ];
  return at(ways, index)();
}

/** Providers hold a model to a `response_format`, so rows with a broken form are rows that did not ask for one. */
function formatOf(plan: Plan, template: Template, schema: JsonSchema): Pick<MessagesInput, 'response_format'> {
  if (plan.includes('misformat')) return {};
  return { response_format: { type: 'json_schema', name: template.name.replaceAll(' ', '_'), schema } };
}

function entryOf(template: Template, plan: Plan, index: number): ChatEntry {
  const document = template.write(index, new Random(`extraction ${template.name} ${index}`));
  const write = (outcome: Outcome): string => {
    if (outcome === 'misformat') return broken(document, index);
    return JSON.stringify(outcome === 'right' ? document.record : document.slipped);
  };
  return {
    row: {
      task: 'extraction',
      input: {
        messages: [
          { role: 'system', content: document.instruction },
          { role: 'user', content: document.text },
        ],
        ...formatOf(plan, template, document.schema),
      },
      checks: [{ type: 'json_schema', schema: document.schema }],
      gold: document.record,
      matcher: 'json',
    },
    difficulty: template.difficulty,
    answers: answersByPlan(plan, write),
  };
}

export const extraction: ChatEntry[] = [contacts, meetings, invoices, purchaseOrders, itineraries].flatMap((template) =>
  template.plans.map((plan, index) => entryOf(template, plan, index)),
);
