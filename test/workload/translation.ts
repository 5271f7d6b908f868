import { answersFrom, type Answers, type ChatEntry, type Check, type Difficulty } from './entry.ts';

type Language = 'German' | 'French' | 'Spanish';
type Piece = {
  to: Language;
  text: string;
  right: string;
  /** What a good translation of this very text contains, whatever else it chooses. */
  gold: string[];
  difficulty: Difficulty;
  brief?: string;
  keep?: string[];
  own?: Partial<Answers>;
};

/** Common short words: a cheap way to see that the answer is in the right language. */
const languageSigns: Record<Language, string> = {
  German:
    '(^|[^a-zA-Z])(der|die|das|den|dem|und|ist|nicht|Sie|Ihre|Ihr|wir|Wir|ein|eine|einen|zu|auf|mit|für|Bitte|bitte|im|am|Der|Die|Das)([^a-zA-Z]|$)',
  French:
    "(^|[^a-zA-Z])(le|la|les|un|une|des|et|est|vous|nous|votre|vos|pour|dans|de|du|Le|La|Les|Nous|Veuillez|à|l'|L')([^a-zA-Z]|$|[a-zA-Zéê])",
  Spanish: '(^|[^a-zA-Z])(el|la|los|las|un|una|de|y|es|su|sus|para|por|con|que|El|La|Los|Su|en|no|No)([^a-zA-Z]|$)',
};

const pieces: Piece[] = [
  {
    to: 'German',
    text: 'Your order has been shipped.',
    right: 'Ihre Bestellung ist auf dem Weg.',
    gold: ['Ihre Bestellung'],
    difficulty: 'easy',
    own: { economy: 'Ihre Bestellung wurde versandt und ist auf dem Weg.' },
  },
  {
    to: 'French',
    text: 'Please enter your e-mail address.',
    right: 'Veuillez saisir votre adresse e-mail.',
    gold: ['adresse'],
    difficulty: 'easy',
  },
  {
    to: 'Spanish',
    text: 'The shop is closed on Sundays.',
    right: 'La tienda está cerrada los domingos.',
    gold: ['tienda', 'domingo'],
    difficulty: 'easy',
    own: { economy: 'La tienda cierra los domingos.' },
  },
  {
    to: 'German',
    text: 'Where can I find the instructions for the coffee machine?',
    right: 'Wo finde ich die Anleitung für die Kaffeemaschine?',
    gold: ['Anleitung', 'Kaffeemaschine'],
    difficulty: 'easy',
    own: { premium: 'Wo finde ich die Bedienungsanleitung für die Kaffeemaschine?' },
  },
  {
    to: 'French',
    text: 'The delivery takes three to five working days.',
    right: 'La livraison prend de trois à cinq jours ouvrables.',
    gold: ['livraison', 'jours ouvr'],
    difficulty: 'easy',
    own: { premium: 'La livraison prend de trois à cinq jours ouvrés.' },
  },
  {
    to: 'Spanish',
    text: 'Save your changes before you leave the page.',
    right: 'Guarde los cambios antes de salir de la página.',
    gold: ['cambios', 'página'],
    difficulty: 'easy',
  },
  {
    to: 'German',
    text: 'This product is currently out of stock.',
    right: 'Dieses Produkt ist zurzeit nicht vorrätig.',
    gold: ['Produkt'],
    difficulty: 'easy',
    own: { economy: 'Dieses Produkt ist derzeit nicht auf Lager.' },
  },
  {
    to: 'French',
    text: 'We have received your payment. Thank you!',
    right: 'Nous avons bien reçu votre paiement. Merci !',
    gold: ['paiement', 'Merci'],
    difficulty: 'easy',
  },
  {
    to: 'Spanish',
    text: 'The warranty covers parts and labour for two years.',
    right: 'La garantía cubre las piezas y la mano de obra durante dos años.',
    gold: ['garantía', 'mano de obra'],
    difficulty: 'easy',
  },
  {
    to: 'German',
    text: 'Please keep the receipt; you will need it if you want to exchange the jacket.',
    right: 'Bitte bewahren Sie den Kassenbon auf; Sie brauchen ihn, wenn Sie die Jacke umtauschen möchten.',
    gold: ['Jacke', 'umtauschen'],
    difficulty: 'medium',
  },
  {
    to: 'French',
    text: 'The meeting is postponed until the library has reopened.',
    right: "La réunion est reportée jusqu'à la réouverture de la bibliothèque.",
    gold: ['report', 'bibliothèque'],
    difficulty: 'medium',
    own: { economy: "La réunion est reportée jusqu'à la réouverture de la librairie." },
  },
  {
    to: 'Spanish',
    text: 'She was embarrassed because she had forgotten his name.',
    right: 'Estaba avergonzada porque había olvidado su nombre.',
    gold: ['avergonzada'],
    difficulty: 'medium',
    own: { economy: 'Estaba embarazada porque había olvidado su nombre.' },
  },
  {
    to: 'German',
    text: 'Eventually the technician found the fault in the control board.',
    right: 'Schließlich fand der Techniker den Fehler in der Steuerplatine.',
    gold: ['ließlich'],
    difficulty: 'medium',
  },
  {
    to: 'Spanish',
    text: 'Hi {first_name}, your {item} is ready for collection at our shop in {city}.',
    right: 'Hola, {first_name}: su {item} está listo para recoger en nuestra tienda de {city}.',
    gold: ['tienda', '{item}'],
    difficulty: 'medium',
    keep: ['{first_name}', '{item}', '{city}'],
    own: { economy: 'Hola, {nombre}: su {artículo} está listo para recoger en nuestra tienda de {ciudad}.' },
  },
  {
    to: 'French',
    text: 'You have {count} new messages. Tap "Inbox" to read them.',
    right: 'Vous avez {count} nouveaux messages. Touchez « Inbox » pour les lire.',
    gold: ['{count}', 'messages'],
    difficulty: 'medium',
    keep: ['{count}', 'Inbox'],
  },
  {
    to: 'German',
    text: 'The kids will get a kick out of the treasure hunt.',
    right: 'Die Kinder werden an der Schatzsuche großen Spaß haben.',
    gold: ['Schatzsuche', 'Spaß'],
    difficulty: 'medium',
  },
  {
    to: 'French',
    text: 'It is raining cats and dogs, so the picnic has been moved to the gym.',
    right: 'Il pleut des cordes, le pique-nique a donc été déplacé au gymnase.',
    gold: ['gymnase'],
    difficulty: 'medium',
  },
  {
    to: 'Spanish',
    text: 'I am looking forward to working with your team in Bilbao.',
    right: 'Tengo muchas ganas de trabajar con su equipo en Bilbao.',
    gold: ['trabajar con', 'equipo'],
    difficulty: 'medium',
  },
  {
    to: 'German',
    text: 'Our customers keep asking whether the bottle is dishwasher-safe. It is, but the lid is not.',
    right: 'Unsere Kunden fragen immer wieder, ob die Flasche spülmaschinenfest ist. Sie ist es, der Deckel aber nicht.',
    gold: ['spülmaschinenfest', 'Deckel'],
    difficulty: 'medium',
  },
  {
    to: 'French',
    text: 'Actually, the library closes at six tonight, not at eight.',
    right: 'En fait, la bibliothèque ferme à six heures ce soir, et non à huit heures.',
    gold: ['En fait', 'bibliothèque'],
    difficulty: 'medium',
  },
  {
    to: 'Spanish',
    text: 'The carpet in the hall has been cleaned; please do not walk on it in outdoor shoes.',
    right: 'Se ha limpiado la alfombra del vestíbulo; por favor, no la pise con zapatos de calle.',
    gold: ['alfombra'],
    difficulty: 'medium',
  },
  {
    to: 'German',
    difficulty: 'hard',
    brief: 'Constraints: formal address (Sie) throughout, keep every number and unit, do not translate the product name.',
    text: 'Thanks for picking the Lumo Stride! Before your first ride, pump the tyres to 3.5 bar, check the brakes, and charge the battery for 6 hours. Once you are done, you may ride up to 80 km. If the light blinks twice, do not panic: you only have to reset the controller.',
    right:
      'Vielen Dank, dass Sie sich für das Lumo Stride entschieden haben! Pumpen Sie vor der ersten Fahrt die Reifen auf 3,5 bar auf, prüfen Sie die Bremsen und laden Sie den Akku 6 Stunden lang. Danach können Sie bis zu 80 km fahren. Wenn das Licht zweimal blinkt, keine Sorge: Sie müssen nur das Steuergerät zurücksetzen.',
    gold: ['Lumo Stride', 'Pumpen Sie', 'Bremsen', 'zweimal'],
    keep: ['Lumo Stride'],
    own: {
      economy:
        'Danke, dass du dich für das Lumo Stride entschieden hast! Pumpe vor der ersten Fahrt die Reifen auf 3,5 bar auf, prüfe die Bremsen und lade den Akku 6 Stunden lang. Danach kannst du bis zu 80 km fahren. Wenn das Licht zweimal blinkt, keine Panik: Du musst nur den Controller zurücksetzen.',
    },
  },
  {
    to: 'French',
    difficulty: 'hard',
    brief:
      'The text goes into a contract. Constraints: keep the paragraph numbers, translate "shall" as an obligation, keep the two defined terms "Supplier" and "Buyer" consistent.',
    text: '1. The Supplier shall deliver the goods within ten days. 2. The Buyer may refuse a late delivery, but shall not withhold payment for goods already accepted. 3. Neither party shall be liable for delays beyond its control.',
    right:
      "1. Le Fournisseur est tenu de livrer les marchandises dans un délai de dix jours. 2. L'Acheteur peut refuser une livraison tardive, mais il ne doit pas retenir le paiement des marchandises déjà acceptées. 3. Aucune des parties n'est responsable des retards indépendants de sa volonté.",
    gold: ['Fournisseur', 'Acheteur peut refuser', 'ne doit pas retenir'],
    own: {
      economy:
        "Here is the translation:\n\n1. Le Fournisseur livrera les marchandises dans un délai de dix jours. 2. L'Acheteur doit refuser une livraison tardive, mais il peut retenir le paiement des marchandises déjà acceptées. 3. Aucune des parties n'est responsable des retards indépendants de sa volonté.\n\nNote: in legal French, the word shall is mostly rendered by the future tense, and I have followed this use in the first paragraph. The defined terms have been kept in upper case. Please have the text checked by a lawyer before you sign it.",
      standard:
        "1. Le Fournisseur doit livrer les marchandises dans un délai de dix jours. 2. L'Acheteur peut refuser une livraison tardive, mais ne retiendra que le paiement des marchandises déjà acceptées. 3. Aucune des parties n'est responsable des retards indépendants de sa volonté.",
    },
  },
  {
    to: 'Spanish',
    difficulty: 'hard',
    brief: 'For a Spanish newspaper. Constraints: mind the short and long scale of large numbers, and the decimal comma.',
    text: 'The city wants to borrow 1.2 billion euros for the new tram. Critics say that the sum is twelve times what the last line cost, and that the actual price will be known only after the tenders in September.',
    right:
      'La ciudad quiere pedir un préstamo de 1200 millones de euros para el nuevo tranvía. Los críticos señalan que la suma es doce veces lo que costó la última línea y que el precio real solo se conocerá tras las licitaciones de septiembre.',
    gold: ['millones', 'precio real'],
    own: {
      economy:
        'La ciudad quiere pedir un préstamo de 1,2 billones de euros para el nuevo tranvía. Los críticos dicen que la suma es doce veces lo que costó la última línea y que el precio actual solo se conocerá después de las licitaciones de septiembre.',
      standard:
        'La ciudad quiere pedir un préstamo de 1,2 billones de euros para el nuevo tranvía. Los críticos señalan que la suma es doce veces lo que costó la última línea y que el precio real solo se conocerá tras las licitaciones de septiembre.',
    },
  },
  {
    to: 'German',
    difficulty: 'hard',
    brief: 'For a patient leaflet. Constraints: plain language, every dose exactly as in the source, no added advice.',
    text: 'Take one tablet every eight hours with food, for at most five days. Do not take a double dose to make up for a missed one. Unless your doctor has told you otherwise, do not drive until you know how the drug affects you.',
    right:
      'Nehmen Sie alle acht Stunden eine Tablette zum Essen ein, höchstens fünf Tage lang. Nehmen Sie nicht die doppelte Menge ein, wenn Sie eine Tablette vergessen haben. Fahren Sie nicht Auto, bevor Sie wissen, wie das Mittel auf Sie wirkt, außer Ihr Arzt hat Ihnen etwas anderes gesagt.',
    gold: ['alle acht Stunden', 'fünf Tage', 'nicht die doppelte'],
    own: {
      economy:
        'Nehmen Sie acht Tabletten am Tag zum Essen ein, höchstens fünf Tage lang. Nehmen Sie nicht die doppelte Menge ein, wenn Sie eine Tablette vergessen haben. Fahren Sie nicht Auto, bevor Sie wissen, wie das Mittel auf Sie wirkt, außer Ihr Arzt hat Ihnen etwas anderes gesagt.',
    },
  },
  {
    to: 'French',
    difficulty: 'hard',
    brief: 'A reply to a complaint. Constraints: formal, warm, and every promise must stay exactly as strong as in the source.',
    text: 'We are sorry about the mix-up. We might be able to send a replacement this week, but we cannot promise it. What we do promise is a full refund if nothing has reached you by Friday the 12th.',
    right:
      "Nous sommes désolés de cette confusion. Il se peut que nous puissions vous envoyer un article de remplacement cette semaine, mais nous ne pouvons pas vous le promettre. Nous vous promettons en revanche un remboursement intégral si rien ne vous est parvenu d'ici au vendredi 12.",
    gold: ['se peut', 'remboursement intégral', 'vendredi 12'],
    own: {
      economy:
        'We apologise for the confusion. Here is the French version of your letter, as requested: "Désolé! On envoie bientôt."',
      standard:
        "Nous sommes désolés de cette confusion. Nous vous enverrons un article de remplacement cette semaine, mais nous ne pouvons pas vous promettre le jour. Nous vous promettons un remboursement si rien ne vous est parvenu d'ici au vendredi 12.",
    },
  },
  {
    to: 'Spanish',
    difficulty: 'hard',
    brief:
      'Software strings, one per line. Constraints: keep the three lines, keep the placeholders, keep the capital letters of the key names.',
    text: 'Press ENTER to attend to {name}.\nThe actual size of {file} exceeds the limit.\nPlease quit all programs to support the update.',
    right:
      'Pulse ENTER para atender a {name}.\nEl tamaño real de {file} supera el límite.\nCierre todos los programas para permitir la actualización.',
    gold: ['atender a', 'tamaño real', 'Cierre'],
    keep: ['ENTER', '{name}', '{file}'],
    own: {
      economy:
        'Pulse INTRO para asistir a {nombre}.\nEl tamaño actual de {archivo} excede el límite.\nCierre todos los programas para soportar la actualización.',
      standard:
        'Pulse ENTER para asistir a {name}.\nEl tamaño actual de {file} excede el límite.\nQuite todos los programas para soportar la actualización.',
    },
  },
  {
    to: 'German',
    difficulty: 'hard',
    brief:
      'A press release. Constraints: keep the quotation a quotation, keep who said it, and do not use English words where German ones exist.',
    text: '"We did not buy the mill to become billionaires," said Hanna Quist, who took over as managing director in March. The company sold 4 billion screws last year, a sensible but not a sensitive increase on the year before, as she put it.',
    right:
      '„Wir haben das Werk nicht gekauft, um Milliardäre zu werden“, sagte Hanna Quist, die im März die Geschäftsführung übernommen hat. Das Unternehmen verkaufte im vergangenen Jahr 4 Milliarden Schrauben, eine vernünftige, aber, wie sie sagte, keine empfindliche Steigerung gegenüber dem Vorjahr.',
    gold: ['4 Milliarden', 'Hanna Quist', 'vernünftige'],
    keep: ['Hanna Quist'],
    own: {
      economy:
        '„Wir haben das Werk nicht gekauft, um Billionäre zu werden“, sagte Hanna Quist, die im März die Geschäftsführung übernommen hat. Das Unternehmen verkaufte im vergangenen Jahr 4 Billionen Schrauben, eine sensible, aber keine empfindliche Steigerung gegenüber dem Vorjahr.',
      standard:
        '„Wir haben das Werk nicht gekauft, um Milliardäre zu werden“, sagte Hanna Quist, die im März die Geschäftsführung übernommen hat. Das Unternehmen verkaufte im vergangenen Jahr 4 Milliarden Schrauben, eine sensible, aber nicht sensitive Steigerung gegenüber dem Vorjahr.',
      premium:
        '„Wir haben das Werk nicht gekauft, um Milliardäre zu werden“, sagte Hanna Quist, die im März die Geschäftsführung übernommen hat. Das Unternehmen verkaufte im vergangenen Jahr 4 Milliarden Schrauben, eine spürbare, aber, wie sie es ausdrückte, keine empfindliche Steigerung gegenüber dem Vorjahr.',
    },
  },
  {
    to: 'French',
    difficulty: 'hard',
    brief:
      'A job advertisement. Constraints: gender-neutral wording where French allows it, keep the list of three demands, keep the name of the firm.',
    text: 'Tandem Freight is looking for a dispatcher (m/f/d). You bring: 1. experience with eventual consistency of stock data, 2. a driving licence, 3. the patience to resume a conversation after the fifth interruption.',
    right:
      "Tandem Freight recherche une personne chargée de l'affrètement (h/f/d). Vous apportez : 1. une expérience de la cohérence à terme des données de stock, 2. un permis de conduire, 3. la patience de reprendre une conversation après la cinquième interruption.",
    gold: ['Tandem Freight', 'cohérence à terme', 'reprendre'],
    keep: ['Tandem Freight'],
    own: {
      economy:
        "Tandem Freight est à la recherche d'un répartiteur. Vous apportez : 1. une expérience de la consistance éventuelle des données de stock, 2. un permis de conduire, 3. la patience de résumer une conversation après la cinquième interruption.",
    },
  },
  {
    to: 'Spanish',
    difficulty: 'hard',
    brief: 'A safety notice. Constraints: imperative, formal (usted), at most 60 words, and keep the order of the three steps.',
    text: 'In case of fire: 1. Pull the fabric screen down. 2. Leave through the exit behind the bookshop, not through the library. 3. Wait at the car park until you are counted; do not go back for your folders.',
    right:
      'En caso de incendio: 1. Baje la pantalla de tela. 2. Salga por la salida situada detrás de la librería, no por la biblioteca. 3. Espere en el aparcamiento hasta que le cuenten; no vuelva a por sus carpetas.',
    gold: ['tela', 'detrás de la librería', 'carpetas'],
    own: { economy: 'In case of fire: 1. Pull down the screen. 2. Use the exit behind the bookshop. 3. Wait at the car park.' },
  },
  {
    to: 'German',
    difficulty: 'hard',
    brief: 'A letter to shareholders. Constraints: one paragraph, keep the conditional mood, and keep all four figures.',
    text: 'Had we raised prices by 3 percent in May, as some of you advised, revenue would have reached 41.5 million; we did not, and it came to 40.2 million. On the other hand, 96 percent of our customers stayed.',
    right:
      'Hätten wir die Preise im Mai um 3 Prozent erhöht, wie einige von Ihnen geraten hatten, hätte der Umsatz 41,5 Millionen erreicht; wir haben es nicht getan, und er belief sich auf 40,2 Millionen. Dafür sind 96 Prozent unserer Kunden geblieben.',
    gold: ['Hätten wir', '41,5 Millionen', '40,2 Millionen', '96 Prozent'],
  },
  {
    to: 'French',
    difficulty: 'hard',
    brief: 'A museum label. Constraints: at most 70 words, present tense, and dates exactly as in the source.',
    text: 'The clock was built in 1784 for a physician, not a physicist, in Lyon. It runs for eight days and strikes only at noon, since the owner could not stand the sound more often. The case was replaced in 1851.',
    right:
      "L'horloge est construite en 1784 pour un médecin, et non un physicien, de Lyon. Elle marche huit jours et ne sonne qu'à midi, car son propriétaire n'en supporte pas le son plus souvent. La caisse est remplacée en 1851.",
    gold: ['médecin', '1784', '1851', 'huit jours'],
    own: {
      economy: 'The clock is from 1784 and was made for a physician in Lyon. It strikes at noon only. The case is from 1851.',
    },
  },
  {
    to: 'Spanish',
    difficulty: 'hard',
    brief:
      'A chat reply. Constraints: friendly, informal (tú), and the idiom must become a Spanish idiom or plain speech, not a literal rendering.',
    text: 'No worries, resetting the router is a piece of cake: hold the little button for ten seconds, wait until the light is green, and Bob is your uncle. If you realise it did not work, drop me a line.',
    right:
      'No te preocupes, reiniciar el router es pan comido: mantén pulsado el botoncito diez segundos, espera a que la luz se ponga verde y listo. Si te das cuenta de que no ha funcionado, escríbeme.',
    gold: ['pan comido', 'te das cuenta'],
    own: {
      standard:
        'No te preocupes, reiniciar el router es pan comido: mantén pulsado el botoncito diez segundos, espera a que la luz se ponga verde y ya está. Si te das cuenta de que no ha funcionado, escríbeme.',
      economy:
        'Opción 1: No te preocupes, reiniciar el router es un pedazo de pastel: mantén el botoncito diez segundos, espera a que la luz esté verde y Bob es tu tío. Si realizas que no funcionó, déjame caer una línea.\n\nOpción 2: Tranquilo, reiniciar el router es muy fácil: pulsa el botón pequeño durante diez segundos, espera la luz verde y listo. Si ves que no funcionó, envíame una línea.\n\nNota: "Bob is your uncle" es una expresión inglesa muy conocida.',
    },
  },
  {
    to: 'German',
    text: 'Please sign the enclosed copy and return it to our office by 30 September.',
    right: 'Bitte unterschreiben Sie die beigefügte Kopie und senden Sie sie bis zum 30. September an unser Büro zurück.',
    gold: ['unterschreiben', '30. September'],
    difficulty: 'medium',
  },
  {
    to: 'French',
    text: 'Children under twelve travel free with an adult ticket holder.',
    right: "Les enfants de moins de douze ans voyagent gratuitement avec un adulte muni d'un billet.",
    gold: ['moins de douze ans', 'gratuitement'],
    difficulty: 'easy',
  },
];

function words(text: string): number {
  return text.split(/\s+/).length;
}

/** Stock phrases of a shop are not worth a judge's tokens. */
function judgeOf(piece: Piece): Check {
  return {
    type: 'llm_judge',
    rubric: `A faithful and idiomatic ${piece.to} translation: every statement keeps its sense, nothing is added or left out, and the stated constraints are met.`,
  };
}

function entryOf(piece: Piece): ChatEntry {
  const brief = piece.brief === undefined ? '' : `${piece.brief} `;
  return {
    row: {
      task: 'translation',
      input: { prompt: `Translate into ${piece.to}. ${brief}Give only the translation.\n\n${piece.text}` },
      checks: [
        { type: 'regex', pattern: languageSigns[piece.to] },
        // Twice the words of the source leaves room for any good translation and none for a commentary.
        { type: 'length', min_words: Math.ceil(words(piece.text) / 3), max_words: words(piece.text) * 2 + 4 },
        ...(piece.keep === undefined ? [] : [{ type: 'contains' as const, values: piece.keep, mode: 'all' as const }]),
        ...(piece.difficulty === 'easy' ? [] : [judgeOf(piece)]),
      ],
      gold: piece.gold,
      matcher: 'contains_all',
    },
    difficulty: piece.difficulty,
    answers: answersFrom(piece.right, piece.own),
  };
}

export const translation: ChatEntry[] = pieces.map(entryOf);
