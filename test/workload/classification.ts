import { answersFrom, type Answers, type ChatEntry, type Difficulty } from './entry.ts';

type Item = { text: string; label: string; difficulty?: Difficulty; wrong?: Partial<Answers> };
type Group = { instruction: string; labels: string[]; difficulty: Difficulty; items: Item[] };

const tickets: Group = {
  instruction:
    'You sort support tickets of an online shop. Reply with exactly one label and nothing else: billing, shipping, returns, account, technical.',
  labels: ['billing', 'shipping', 'returns', 'account', 'technical'],
  difficulty: 'easy',
  items: [
    { text: 'I was charged twice for order ORD-48213. My bank shows two identical debits on Monday.', label: 'billing' },
    {
      text: 'Tracking for ORD-51907 has said "label created" for six days. When will the parcel actually move?',
      label: 'shipping',
    },
    { text: 'The kettle arrived with a dent and I would like to send it back. Where do I get a return label?', label: 'returns' },
    { text: 'I changed phones and now the login code goes to the old number. How do I update it?', label: 'account' },
    { text: 'The app closes by itself every time I open the wish list. Android 15, Pixel 8.', label: 'technical' },
    { text: 'Please send the VAT invoice for ORD-40088 to our accounts department.', label: 'billing' },
    {
      text: 'Can you deliver to a parcel locker instead of my home? The order has not left the warehouse yet.',
      label: 'shipping',
    },
    { text: 'The boots are half a size too small. I want to exchange them for a 43.', label: 'returns' },
    { text: 'I would like my profile and all my saved addresses deleted.', label: 'account' },
    { text: 'The product pages stay white in Firefox. Chrome works. The console shows a 503 for main.css.', label: 'technical' },
    { text: 'My gift card balance shows 0.00 although I only spent half of it.', label: 'billing' },
    { text: 'The courier left the box with a neighbour I do not know, at number 17. Order ORD-53361.', label: 'shipping' },
    { text: 'How many days do I have to send back an unopened coffee grinder?', label: 'returns' },
    { text: 'I registered with a typo in my e-mail address and cannot confirm it.', label: 'account' },
    { text: 'The barcode scanner in your mobile app focuses but never reads anything.', label: 'technical' },
    { text: 'Why is there a 2.50 foreign transaction fee on a purchase made in my own country?', label: 'billing' },
    {
      text: 'ORD-55120 was meant to arrive before Friday because it is a birthday present. Is express still possible?',
      label: 'shipping',
    },
    {
      text: 'I sent the lamp back three weeks ago, your warehouse signed for it, and the return is still marked open.',
      label: 'returns',
      difficulty: 'medium',
    },
    {
      text: 'Two people in our household share one login. She now gets my order mails and I get hers. Can you split this?',
      label: 'account',
      difficulty: 'medium',
      wrong: { economy: 'This ticket is about a shared login, so the best label would be: account.' },
    },
    {
      text: 'Voucher SPRING15 is accepted at the basket but the discount is gone on the payment page.',
      label: 'billing',
      difficulty: 'medium',
    },
    {
      text: 'Push notifications arrive for orders I placed last year, always at 3 a.m.',
      label: 'technical',
      difficulty: 'medium',
    },
    {
      text: 'The parcel came, the box was taped neatly, but inside was a brick instead of the camera. The seal looked new.',
      label: 'shipping',
      difficulty: 'medium',
      wrong: { economy: 'Label: shipping\n\nReason: the content was probably swapped in transit.' },
    },
  ],
};

const reviews: Group = {
  instruction: 'Classify the sentiment of the product review. Answer with one word: positive, negative, neutral or mixed.',
  labels: ['positive', 'negative', 'neutral', 'mixed'],
  difficulty: 'easy',
  items: [
    { text: 'Best desk lamp I have owned. Warm light, heavy base, no flicker.', label: 'positive' },
    { text: 'Stopped charging after nine days. The replacement stopped after four.', label: 'negative' },
    { text: 'It is a 2 metre cable with a USB-C plug at both ends. Arrived on Tuesday.', label: 'neutral' },
    { text: 'Great sound, awful battery. I love it at my desk and hate it on the train.', label: 'mixed' },
    { text: 'My daughter has slept through every night since we hung these curtains. Buying a second pair!', label: 'positive' },
    { text: 'The zip broke on the first day and customer service stopped answering.', label: 'negative' },
    { text: 'Same model as the one I bought in 2023, new box.', label: 'neutral' },
    { text: 'Sturdy, quiet, and it was assembled in ten minutes. Would buy again.', label: 'positive' },
    { text: 'Smells of glue even after two weeks on the balcony. I cannot use it in the bedroom.', label: 'negative' },
    {
      text: 'The pan heats evenly and cleans easily, but the handle gets so hot that I burnt my palm twice.',
      label: 'mixed',
      difficulty: 'medium',
    },
    {
      text: 'Delivered in a plain carton with a manual in four languages. I have not plugged it in yet.',
      label: 'neutral',
      difficulty: 'medium',
    },
    {
      text: 'I expected to return it. Three months later it is the only backpack I use.',
      label: 'positive',
      difficulty: 'medium',
    },
    {
      text: 'Oh wonderful, a "silent" fan that drowns out the television. Five stars for honesty in advertising, obviously. At least the remote control is a nice paperweight now that the fan is in the cellar.',
      label: 'negative',
      difficulty: 'hard',
      wrong: { economy: 'positive' },
    },
    {
      text: 'I gave the first one away because it leaked, and I was rude to the seller about it. The second one has not lost a drop since January, the seller never lost patience either, and my rude letter is something I regret more than the purchase.',
      label: 'positive',
      difficulty: 'hard',
      wrong: { economy: 'mixed' },
    },
    {
      text: 'If you need a chair that makes guests leave early, look no further; mine went home after twenty minutes and one of them sent me the name of an osteopath. The colour, I admit, matches the sofa.',
      label: 'negative',
      difficulty: 'hard',
      wrong: {
        economy:
          'The review is sarcastic, and there is one compliment about the colour. I would say the sentiment is mixed to negative.',
      },
    },
    {
      text: 'Version one was a disaster and I said so here. Version two fixes the hinge and the noise, yet they dropped the timer, which was the single thing I liked. So I am happier at night and crosser in the morning.',
      label: 'mixed',
      difficulty: 'hard',
      wrong: { economy: 'Mixed sentiment: the reviewer is happier about the hinge but cross about the timer.' },
    },
  ],
};

const queueRules = [
  'Route the customer message to exactly one queue. Apply these rules in order and stop at the first that fits:',
  '1. safety: any risk to a person, even if the customer only mentions it in passing.',
  '2. legal: a lawyer, a regulator, a court or a data protection request is announced or already involved.',
  '3. retention: the customer leaves, or says they will leave unless something changes. A customer who merely complains does not count.',
  '4. finance: money has to move or a document about money has to be corrected.',
  '5. logistics: goods have to move.',
  '6. product: everything else.',
  'Constraints: one word, lower case, no explanation. Think step by step, but write only the queue.',
].join('\n');

const queues: Group = {
  instruction: queueRules,
  labels: ['safety', 'legal', 'retention', 'finance', 'logistics', 'product'],
  difficulty: 'hard',
  items: [
    {
      text: 'Where is the drain filter on the D40 dishwasher? The manual shows it on the left and mine has nothing there.',
      label: 'product',
      difficulty: 'medium',
    },
    {
      text: 'Please collect the two pallets that were delivered by mistake to our Leeds depot. We have no room for them.',
      label: 'logistics',
      difficulty: 'medium',
    },
    {
      text: 'I want the 84.00 back for the heater I returned on 3 May. It worked fine, by the way, apart from the scorch mark on the wall behind it, which I have painted over.',
      label: 'safety',
      wrong: { economy: 'finance', standard: 'finance' },
    },
    {
      text: 'This is the third wrong invoice this year. I have been patient for eleven years and I shall go on being patient, but do correct the VAT number this time.',
      label: 'finance',
      wrong: { economy: 'retention (eleven years of loyalty), otherwise finance' },
    },
    {
      text: 'My solicitor plays golf with your founder, so let us keep this friendly: the sofa is still at your depot in Hull and I would like it in my living room.',
      label: 'logistics',
      wrong: { economy: 'legal or logistics. A solicitor is mentioned, but only as a joke.', standard: 'legal' },
    },
    {
      text: 'Under the data protection act I ask for a copy of everything you store about me, including call recordings. I will also not be renewing in June.',
      label: 'legal',
      wrong: { economy: 'retention' },
    },
    {
      text: 'Either the delivery window gets shorter than "between 8 and 20 h", or order 5 was my last one. Also, the crate from order 4 needs collecting.',
      label: 'retention',
      wrong: {
        economy:
          'Rule 3 fits because the customer says order 5 was the last one, and rule 5 fits because of the crate.\n\nQueue: retention',
      },
    },
    {
      text: 'Our cat chewed through the cable of the aquarium pump and is fine, the fish are fine, I am less fine because the socket now buzzes when I touch the tap. Do you sell the cable separately?',
      label: 'safety',
      wrong: { economy: 'Queue: product, because the customer asks for a spare cable.' },
    },
    {
      text: 'The credit note names the wrong company. We merged in March. Our auditors (not a regulator, just ordinary auditors) need the corrected one before the 15th.',
      label: 'finance',
      wrong: { economy: 'legal' },
    },
    {
      text: 'You sent 40 filters and billed 40, I ordered 14. I keep 14, I pay 14, and a van may come for the rest whenever it likes.',
      label: 'finance',
      wrong: {
        economy: 'logistics',
        standard: 'Step 1: no safety risk. Step 2: no legal matter. Step 3: no. Step 4: the invoice must be corrected.\nfinance',
      },
    },
    {
      text: 'I cancelled yesterday by phone, which took forty minutes; today I got a welcome letter. I am not angry. Tell me only which of the two is true.',
      label: 'retention',
      wrong: { economy: 'product', standard: 'product', premium: 'product' },
    },
    {
      text: 'Before I fit the replacement blade: the old one came loose at full speed. Nobody was near it. Which screwdriver size do I need for the new one?',
      label: 'safety',
      wrong: {
        economy:
          'The customer asks for a screwdriver size, so this goes to product. However, the loose blade may be a safety concern.',
      },
    },
    {
      text: 'The ombudsman asked me to try you once more before she opens the file. So: please refund the 129.00 for the cancelled course.',
      label: 'legal',
      wrong: {
        economy:
          'The customer wants a refund (rule 4), and the ombudsman is mentioned (rule 2). I suggest legal, with a copy to finance.',
      },
    },
    {
      text: 'I moved to your competitor in spring and I am back, happily. My old loyalty points did not come back with me, though. They were worth 31.00 of credit.',
      label: 'finance',
      wrong: { economy: 'Queue: retention or finance, depending on how loyalty points are treated.' },
    },
    {
      text: 'The thermostat shows Fahrenheit and the menu for changing it is greyed out since the last update.',
      label: 'product',
      difficulty: 'medium',
    },
    {
      text: 'Our shop is closed until the 9th. Hold parcel PX-70718 at the depot until then, please.',
      label: 'logistics',
      difficulty: 'medium',
    },
  ],
};

const mails: Group = {
  instruction: 'Decide whether the e-mail below is legitimate, spam or phishing. Output the single word only.',
  labels: ['legitimate', 'spam', 'phishing'],
  difficulty: 'easy',
  items: [
    {
      text: 'Subject: Your parcel is on hold\n\nPay the 1.99 customs fee within 12 hours at pa-rcel-release.example or it will be destroyed.',
      label: 'phishing',
    },
    {
      text: 'Subject: Agenda for Thursday\n\nHi all, the agenda is in the usual folder. Room 4 is booked from 10 to 11. Marta',
      label: 'legitimate',
    },
    {
      text: 'Subject: 10,000 followers overnight!!!\n\nOur growth engine has helped 900 brands. Reply YES for the spring offer.',
      label: 'spam',
    },
    {
      text: 'Subject: Mailbox full\n\nYour mailbox has exceeded its quota. Log in with your company password here to keep your messages.',
      label: 'phishing',
    },
    {
      text: 'Subject: Receipt 20931\n\nThank you for your purchase at Brill & Sons. The receipt is attached. Total 18.40.',
      label: 'legitimate',
    },
    {
      text: 'Subject: Quick question about your website\n\nI noticed you are not on page one of search. We can fix that for 99 a month. Shall I send a proposal?',
      label: 'spam',
    },
    {
      text: 'Subject: New bank details from April\n\nDear customer, as announced by phone, our supplier account moves to a new bank from April. Please use the IBAN in the attached letter for invoice RN-2217, which is due tomorrow. Our office is on a retreat this week, so calls cannot be answered; just reply to this address. Best regards, Accounts',
      label: 'phishing',
      difficulty: 'hard',
      wrong: { economy: 'legitimate', standard: 'legitimate' },
    },
    {
      text: 'Subject: Security notice\n\nYou signed in from a new device in Porto at 09:14. If this was you, there is nothing to do. If not, open the app you already have installed and choose Settings, Devices. We never ask for your password by mail, and this message contains no links.',
      label: 'legitimate',
      difficulty: 'hard',
    },
  ],
};

const urgencyRules = [
  'Set the priority of the incident report. Use exactly one of: P1, P2, P3, P4.',
  'P1: customers cannot buy or cannot sign in, now. P2: money or data may be wrong, but selling goes on. P3: a feature is broken and there is a workaround. P4: cosmetic, or a question.',
  'Constraints: judge the state at the END of the report, not the worst moment in it; where two priorities fit, take the more urgent; reply with the two characters only.',
].join('\n');

const incidents: Group = {
  instruction: urgencyRules,
  labels: ['P1', 'P2', 'P3', 'P4'],
  difficulty: 'hard',
  items: [
    { text: 'The footer still says 2025.', label: 'P4', difficulty: 'easy' },
    { text: 'Checkout returns 500 for everyone since 14:02.', label: 'P1', difficulty: 'easy' },
    { text: 'CSV export fails for reports over 10,000 rows; exporting by month works.', label: 'P3', difficulty: 'medium' },
    {
      text: "08:10 sign-in down for all users. 08:31 rolled back, sign-in up. 08:40 support finds 212 accounts whose last order shows another customer's address. 09:00 the page is hidden; we do not know yet whether mails went out with those addresses. Orders are flowing normally.",
      label: 'P2',
      wrong: { economy: 'P1 at 08:10, then P2 from 08:40.' },
    },
    {
      text: '22:00 planned maintenance starts, shop closed with a notice. 23:30 maintenance ends, shop open. 23:41 card payments fail with a bank in Austria only, other cards are fine, those customers can pay by invoice. 23:55 the bank confirms the fault is on its side and gives no time.',
      label: 'P3',
      wrong: {
        economy:
          'Because some customers cannot pay by card, I would set this to P2. There is a workaround though, so P3 may also be possible.',
        standard: 'P1',
        premium: 'P1',
      },
    },
    {
      text: "A customer asks whether the price on the tag (19.90) or in the basket (21.90) is right. We looked: since last night's import about 300 articles are 2.00 too dear in the basket. Nobody else has complained and sales look normal.",
      label: 'P2',
      wrong: { economy: 'P4, since only one customer has asked.' },
    },
    {
      text: 'The logo is stretched on tablets. While checking it we saw that the "Buy" button sits under the logo on the most common tablet and cannot be tapped there; phones and computers are fine, and tablet users can still switch to the desktop page in the menu. Tablets make 4 percent of our sales.',
      label: 'P3',
      wrong: { economy: 'Priority: P3 (workaround: desktop page)', standard: 'P1' },
    },
    {
      text: '03:00 the nightly job did not run. 03:05 it was started by hand and completed. 03:20 it ran again on its own schedule, so every subscriber may have been billed twice; the payment provider will tell us at 06:00. The shop is up.',
      label: 'P2',
      wrong: { economy: 'The correct priority is P2 since money may be wrong.' },
    },
  ],
};

function rowsOf(group: Group): ChatEntry[] {
  return group.items.map((item) => ({
    row: {
      task: 'classification',
      input: {
        messages: [
          { role: 'system', content: group.instruction },
          { role: 'user', content: item.text },
        ],
        max_output_tokens: 64,
      },
      checks: [{ type: 'one_of', values: group.labels }],
      gold: item.label,
      matcher: 'exact',
    },
    difficulty: item.difficulty ?? group.difficulty,
    answers: answersFrom(item.label, item.wrong),
  }));
}

export const classification: ChatEntry[] = [tickets, reviews, queues, mails, incidents].flatMap(rowsOf);
